#include "base/file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <thread>

#include "unit/files.h"

namespace redis_zk::testing::file_test {
namespace {

using ::testing::HasSubstr;

int Mode(const std::filesystem::path& path) {
  struct stat status {};
  EXPECT_EQ(stat(path.c_str(), &status), 0) << path;
  return static_cast<int>(status.st_mode & 07777U);
}

std::size_t CountFiles(const std::filesystem::path& path) {
  const std::filesystem::directory_iterator entries(path);
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

TEST(TextFileTest, IsReadWhole) {
  const TempDir dir;
  const std::string text = "one\n" + std::string(5'000'000, 'x') + '\0' + "end";
  EXPECT_EQ(ReadTextFile(WriteFile(dir.path() / "file", text)).value(), text);
  EXPECT_EQ(ReadTextFile(WriteFile(dir.path() / "empty", "")).value(), "");
  EXPECT_EQ(ReadTextFile("/dev/null").value(), "");
}

TEST(TextFileTest, MayBeAPipeThatSomebodyWrites) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
  std::thread writer([end = ends[1]] {
    EXPECT_EQ(write(end, "secret\n", 7), 7);
    close(end);
  });
  EXPECT_EQ(ReadTextFile("/dev/fd/" + std::to_string(ends[0])).value(), "secret\n");
  writer.join();
  close(ends[0]);
}

TEST(TextFileTest, SaysWhyItCannotBeRead) {
  const TempDir dir;
  const std::string pipe = (dir.path() / "pipe").string();
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const auto large = WriteFile(dir.path() / "large", std::string((16U << 20) + 1, 'x'));
  struct Row {
    std::string path;
    ErrorKind kind;
    const char* message;
  };
  for (const auto& [path, kind, message] :
       {Row{(dir.path() / "none").string(), ErrorKind::kNotFound, "No such file or directory"},
        Row{"", ErrorKind::kNotFound, "No such file or directory"},
        Row{"/etc/passwd/x", ErrorKind::kNotFound, "Not a directory"},
        Row{"/", ErrorKind::kInvalid, "Is a directory"}, Row{"/dev/zero", ErrorKind::kInvalid, "larger than"},
        Row{large, ErrorKind::kInvalid, "larger than"},
        Row{pipe, ErrorKind::kInvalid, "a pipe without a writer"}}) {
    const auto text = ReadTextFile(path);
    ASSERT_FALSE(text) << path;
    EXPECT_EQ(text.error().kind, kind) << path;
    EXPECT_THAT(text.error().message, HasSubstr(message)) << path;
  }
}

TEST(WriteFileAtomicallyTest, WritesForItsOwnerAlone) {
  const TempDir dir;
  const auto path = dir.path() / "redis.conf";
  const mode_t before = umask(0);
  EXPECT_TRUE(WriteFileAtomically(path, "requirepass secret\n"));
  umask(before);
  EXPECT_EQ(ReadFile(path), "requirepass secret\n");
  EXPECT_EQ(Mode(path), 0600);
  EXPECT_EQ(CountFiles(dir.path()), 1U);
}

TEST(WriteFileAtomicallyTest, ReplacesWhatWasThere) {
  const TempDir dir;
  const auto path = dir.path() / "redis.conf";
  WriteFile(path, "something longer than what comes");
  ASSERT_EQ(chmod(path.c_str(), 0644), 0);
  EXPECT_TRUE(WriteFileAtomically(path, "short"));
  EXPECT_EQ(ReadFile(path), "short");
  EXPECT_EQ(Mode(path), 0600);
  EXPECT_TRUE(WriteFileAtomically(path, ""));
  EXPECT_EQ(ReadFile(path), "");
}

TEST(WriteFileAtomicallyTest, WritesAnyBytesOfAnyLength) {
  const TempDir dir;
  const auto path = dir.path() / "redis.conf";
  const std::string text = std::string("\0\xff\r\n", 4) + std::string(1'000'000, 'x');
  EXPECT_TRUE(WriteFileAtomically(path, text));
  EXPECT_EQ(ReadFile(path), text);
}

TEST(WriteFileAtomicallyTest, TakesNoLinkForItsDraft) {
  const TempDir dir;
  const auto path = dir.path() / "redis.conf";
  const auto victim = WriteFile(dir.path() / "victim", "untouched");
  std::filesystem::create_symlink(victim, path.string() + ".new");
  EXPECT_TRUE(WriteFileAtomically(path, "text"));
  EXPECT_EQ(ReadFile(victim), "untouched");
  EXPECT_EQ(ReadFile(path), "text");
  EXPECT_FALSE(std::filesystem::is_symlink(path));
}

TEST(WriteFileAtomicallyTest, KeepsTheOldFileWhenItFails) {
  const TempDir dir;
  const auto path = dir.path() / "redis.conf";
  WriteFile(path, "old");
  // A directory in the draft's place cannot be unlinked.
  std::filesystem::create_directory(path.string() + ".new");
  const auto written = WriteFileAtomically(path, "new");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(written.error().message, HasSubstr("cannot write " + path.string()));
  EXPECT_EQ(ReadFile(path), "old");
}

TEST(WriteFileAtomicallyTest, SaysWhyItFails) {
  const TempDir dir;
  std::filesystem::create_directory(dir.path() / "directory");
  struct Row {
    const char* name;
    std::filesystem::path path;
    const char* why;
  };
  for (const auto& [name, path, why] : std::initializer_list<Row>{
           {"no such directory", dir.path() / "missing" / "x.conf", "No such file or directory"},
           {"a directory is there", dir.path() / "directory", "Is a directory"},
           {"name too long", dir.path() / std::string(300, 'x'), "File name too long"},
           {"not below a file", WriteFile(dir.path() / "file", "") + "/x.conf", "Not a directory"}}) {
    const auto written = WriteFileAtomically(path, "text");
    ASSERT_FALSE(written) << name;
    EXPECT_THAT(written.error().message, HasSubstr(why)) << name;
  }
}

// Ends the process with 0 when a file of one byte is all that could be written.
[[noreturn]] void WriteWithoutSpace(const std::string& path) {
  const rlimit one_byte{1, 1};
  setrlimit(RLIMIT_FSIZE, &one_byte);
  signal(SIGXFSZ, SIG_IGN);
  _exit(WriteFileAtomically(path, "new text") ? 1 : 0);
}

TEST(WriteFileAtomicallyTest, KeepsTheOldFileWhenThereIsNoSpace) {
  const TempDir dir;
  const std::string path = WriteFile(dir.path() / "redis.conf", "old");
  EXPECT_EXIT(WriteWithoutSpace(path), ::testing::ExitedWithCode(0), "");
  EXPECT_EQ(ReadFile(path), "old");
}

TEST(AbsolutePathTest, NeedsNoFile) {
  const std::string here = std::filesystem::current_path().string();
  EXPECT_EQ(AbsolutePath("/a/b"), "/a/b");
  EXPECT_EQ(AbsolutePath("/a/./b/../c"), "/a/c");
  EXPECT_EQ(AbsolutePath("x.conf"), here + "/x.conf");
  EXPECT_EQ(AbsolutePath("./x.conf"), here + "/x.conf");
}

}  // namespace
}  // namespace redis_zk::testing::file_test
