#include "base/text_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>

#include "unit/files.h"

namespace redis_zk::testing {
namespace {

using ::testing::HasSubstr;

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
        Row{pipe, ErrorKind::kInvalid, "a pipe to which nobody writes"}}) {
    const auto text = ReadTextFile(path);
    ASSERT_FALSE(text) << path;
    EXPECT_EQ(text.error().kind, kind) << path;
    EXPECT_THAT(text.error().message, HasSubstr(message)) << path;
  }
}

}  // namespace
}  // namespace redis_zk::testing
