#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <initializer_list>
#include <optional>
#include <random>
#include <string>

#include "process/server_conf.h"
#include "unit/conf_lines.h"
#include "unit/files.h"

namespace redis_zk::testing {
namespace {

using process::QuoteForConf;
using process::SplitConfLine;
using process::WriteConf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

int Mode(const std::filesystem::path& path) {
  struct stat status {};
  EXPECT_EQ(stat(path.c_str(), &status), 0) << path;
  return static_cast<int>(status.st_mode & 07777U);
}

std::size_t CountFiles(const std::filesystem::path& path) {
  const std::filesystem::directory_iterator entries(path);
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

TEST(QuoteForConfTest, QuotesOnlyWhatNeedsIt) {
  struct Row {
    const char* name;
    std::string word;
    const char* quoted;
  };
  for (const auto& [name, word, quoted] :
       std::initializer_list<Row>{{"plain", "redis", "redis"},
                                  {"address", "10.0.0.1", "10.0.0.1"},
                                  {"IPv6", "2001:db8::1", "2001:db8::1"},
                                  {"path", "/etc/redis/redis.conf", "/etc/redis/redis.conf"},
                                  {"punctuation", "a-b_c.d,e;f=g$h%i&j", "a-b_c.d,e;f=g$h%i&j"},
                                  {"nothing", "", "\"\""},
                                  {"blank", "a b", "\"a b\""},
                                  {"blanks alone", "  ", "\"  \""},
                                  {"hash", "#a", "\"#a\""},
                                  {"double quote", "a\"b", "\"a\\\"b\""},
                                  {"single quote", "it's", "\"it's\""},
                                  {"backslash", "a\\n", "\"a\\\\n\""},
                                  {"line end", "a\nrequirepass x", "\"a\\x0arequirepass x\""},
                                  {"carriage return", "a\r", "\"a\\x0d\""},
                                  {"tab", "a\tb", "\"a\\x09b\""},
                                  {"NUL", std::string("a\0b", 3), "\"a\\x00b\""},
                                  {"DEL", "\x7f", "\"\\x7f\""},
                                  {"UTF-8", "\xc3\xa4", "\"\xc3\xa4\""}}) {
    EXPECT_EQ(QuoteForConf(word), quoted) << name;
  }
}

TEST(QuoteForConfTest, MakesOneWordOfAnything) {
  for (int first = 0; first < 256; ++first) {
    for (const char second : {'a', '0', ' ', '"', '\'', '\\', '#', '\n', '\0', '\xff'}) {
      const std::string word{static_cast<char>(first), second};
      const std::string quoted = QuoteForConf(word);
      EXPECT_EQ(SplitConfLine("requirepass " + quoted + " x"), (Words{"requirepass", word, "x"})) << quoted;
      EXPECT_THAT(quoted, Not(HasSubstr("\n")));
    }
  }
  std::mt19937 generator(1);
  std::uniform_int_distribution<int> byte(0, 255);
  for (int round = 0; round < 200; ++round) {
    std::string word(static_cast<std::size_t>(round % 40), ' ');
    for (char& c : word) c = static_cast<char>(byte(generator));
    EXPECT_EQ(SplitConfLine(QuoteForConf(word)), Words{word});
  }
}

TEST(SplitConfLineTest, ReadsAsRedisDoes) {
  struct Row {
    const char* name;
    std::string line;
    std::optional<Words> words;
  };
  for (const auto& [name, line, words] :
       std::initializer_list<Row>{{"nothing", "", Words{}},
                                  {"blanks", " \t ", Words{}},
                                  {"plain words", " a  b\tc ", Words{"a", "b", "c"}},
                                  {"double quotes", R"("a b" "\x41\n\"")", Words{"a b", "A\n\""}},
                                  {"single quotes", R"('a b' '\'\n')", Words{"a b", "'\\n"}},
                                  {"an empty word", R"(a "")", Words{"a", ""}},
                                  {"no end", "\"a b", std::nullopt},
                                  {"text behind a quote", "\"a\"b", std::nullopt}}) {
    EXPECT_EQ(SplitConfLine(line), words) << name;
  }
}

TEST(WriteConfTest, WritesForItsOwnerAlone) {
  const TempDir dir;
  const auto path = dir.path() / "redis.conf";
  const mode_t before = umask(0);
  EXPECT_TRUE(WriteConf(path, "requirepass secret\n"));
  umask(before);
  EXPECT_EQ(ReadFile(path), "requirepass secret\n");
  EXPECT_EQ(Mode(path), 0600);
  EXPECT_EQ(CountFiles(dir.path()), 1U);
}

TEST(WriteConfTest, ReplacesWhatWasThere) {
  const TempDir dir;
  const auto path = dir.path() / "redis.conf";
  WriteFile(path, "something longer than what comes");
  ASSERT_EQ(chmod(path.c_str(), 0644), 0);
  EXPECT_TRUE(WriteConf(path, "short"));
  EXPECT_EQ(ReadFile(path), "short");
  EXPECT_EQ(Mode(path), 0600);
  EXPECT_TRUE(WriteConf(path, ""));
  EXPECT_EQ(ReadFile(path), "");
}

TEST(WriteConfTest, WritesAnyBytesOfAnyLength) {
  const TempDir dir;
  const auto path = dir.path() / "redis.conf";
  const std::string text = std::string("\0\xff\r\n", 4) + std::string(1'000'000, 'x');
  EXPECT_TRUE(WriteConf(path, text));
  EXPECT_EQ(ReadFile(path), text);
}

TEST(WriteConfTest, TakesNoLinkForItsDraft) {
  const TempDir dir;
  const auto path = dir.path() / "redis.conf";
  const auto victim = WriteFile(dir.path() / "victim", "untouched");
  std::filesystem::create_symlink(victim, path.string() + ".new");
  EXPECT_TRUE(WriteConf(path, "text"));
  EXPECT_EQ(ReadFile(victim), "untouched");
  EXPECT_EQ(ReadFile(path), "text");
  EXPECT_FALSE(std::filesystem::is_symlink(path));
}

TEST(WriteConfTest, KeepsTheOldFileWhenItFails) {
  const TempDir dir;
  const auto path = dir.path() / "redis.conf";
  WriteFile(path, "old");
  // A directory in the draft's place cannot be unlinked.
  std::filesystem::create_directory(path.string() + ".new");
  const auto written = WriteConf(path, "new");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(written.error().message, HasSubstr("cannot write " + path.string()));
  EXPECT_EQ(ReadFile(path), "old");
}

TEST(WriteConfTest, SaysWhyItFails) {
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
    const auto written = WriteConf(path, "text");
    ASSERT_FALSE(written) << name;
    EXPECT_THAT(written.error().message, HasSubstr(why)) << name;
  }
}

// Ends the process with 0 when a file of one byte is all that could be written.
[[noreturn]] void WriteWithoutSpace(const std::string& path) {
  const rlimit one_byte{1, 1};
  setrlimit(RLIMIT_FSIZE, &one_byte);
  signal(SIGXFSZ, SIG_IGN);
  _exit(WriteConf(path, "new text") ? 1 : 0);
}

TEST(WriteConfTest, KeepsTheOldFileWhenThereIsNoSpace) {
  const TempDir dir;
  const std::string path = WriteFile(dir.path() / "redis.conf", "old");
  EXPECT_EXIT(WriteWithoutSpace(path), ::testing::ExitedWithCode(0), "");
  EXPECT_EQ(ReadFile(path), "old");
}

TEST(CheckReadableTest, TakesAFileOnly) {
  const TempDir dir;
  EXPECT_THAT(process::CheckReadable("REDIS_CONF", WriteFile(dir.path() / "redis.conf", "")), IsEmpty());
  for (const std::string& path : {dir.path().string(), (dir.path() / "missing").string(), std::string()}) {
    EXPECT_THAT(process::CheckReadable("REDIS_CONF", path),
                ElementsAre("REDIS_CONF: found \"" + path + "\", expected a readable file"));
  }
}

TEST(AbsolutePathTest, NeedsNoFile) {
  const std::string here = std::filesystem::current_path().string();
  EXPECT_EQ(process::AbsolutePath("/a/b"), "/a/b");
  EXPECT_EQ(process::AbsolutePath("/a/./b/../c"), "/a/c");
  EXPECT_EQ(process::AbsolutePath("x.conf"), here + "/x.conf");
  EXPECT_EQ(process::AbsolutePath("./x.conf"), here + "/x.conf");
}

}  // namespace
}  // namespace redis_zk::testing
