#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "os/child_output.h"
#include "unit/log_fixture.h"
#include "unit/shell_fixture.h"

namespace redis_zk::testing::output_test {
namespace {

using os::Child;
using os::LineCutter;
using ::testing::EndsWith;
using ::testing::StartsWith;

using Lines = std::vector<std::string>;

TEST(LineCutterTest, CutsWhateverComes) {
  constexpr std::size_t kLongest = LineCutter::kLongestLine;
  const std::string full(kLongest, 'x');
  struct Row {
    const char* name;
    Lines chunks;
    Lines lines;
  };
  for (const auto& [name, chunks, lines] :
       std::initializer_list<Row>{{"nothing", {}, {}},
                                  {"a line", {"a\n"}, {"a"}},
                                  {"two at once", {"a\nb\n"}, {"a", "b"}},
                                  {"one in pieces", {"a", "b", "c\n"}, {"abc"}},
                                  {"the end of one with the next", {"a", "b\nc", "\n"}, {"ab", "c"}},
                                  {"the last without its end", {"a\nb"}, {"a", "b"}},
                                  {"empty ones", {"\n\na\n", "\n", "\r\n"}, {"a"}},
                                  {"ends of another kind", {"a\r\nb\r", "\n"}, {"a", "b"}},
                                  {"NUL", {std::string("a\0b\n", 4)}, {std::string("a\0b", 3)}},
                                  {"as long as may be", {full + "\na\n"}, {full, "a"}},
                                  {"the same, its end apart", {full, "\na\n"}, {full, "a"}},
                                  {"too long", {full + "ab\nc\n"}, {full, "ab", "c"}},
                                  {"much too long", {full + full + full}, {full, full, full}}}) {
    LineCutter cutter;
    Lines cut;
    const auto take = [&cut](std::string_view line) { cut.emplace_back(line); };
    for (const auto& chunk : chunks) cutter.Add(chunk, take);
    cutter.End(take);
    EXPECT_EQ(cut, lines) << name;
  }
}

class OutputTest : public ShellTest {
 protected:
  // A script whose output is logged.
  Result<Child> StartLogged(const std::string& script) {
    return Child::Start({.argv = {"/bin/sh", "-c", script, "sh", pipe_.path()},
                         .work_dir = "/",
                         .signal_mask = signals().original_mask(),
                         .log_name = "server"});
  }
  int Run(const std::string& script) {
    auto child = StartLogged(script);
    EXPECT_TRUE(child) << script;
    return child ? Await(*child).value_or(-1) : -1;
  }

  CapturedLog log_;
};

TEST_F(OutputTest, IsLoggedWithTheServersName) {
  EXPECT_EQ(Run("echo out; echo err >&2; printf 'last words'; exit 3"), 3);
  EXPECT_EQ(log_.text(), "server| out\nserver| err\nserver| last words\n");
}

TEST_F(OutputTest, IsCutAfterSoManyLines) {
  auto child = Child::Start({.argv = {"/bin/sh", "-c", "seq 1 5000"},
                             .work_dir = "/",
                             .signal_mask = signals().original_mask(),
                             .log_name = "server",
                             .log_lines = 2});
  ASSERT_TRUE(child);
  EXPECT_EQ(Await(*child), 0);
  EXPECT_EQ(log_.text(), "server| 1\nserver| 2\nserver| 4998 more lines were left out\n");
}

TEST_F(OutputTest, IsLoggedAsItIsEdited) {
  auto child = Child::Start({.argv = {"/bin/sh", "-c", "echo secret; echo public; printf secret"},
                             .work_dir = "/",
                             .signal_mask = signals().original_mask(),
                             .log_name = "server",
                             .log_edit = [](std::string_view line) {
                               return line == "secret" ? std::string("...") : std::string(line);
                             }});
  ASSERT_TRUE(child);
  EXPECT_EQ(Await(*child), 0);
  EXPECT_EQ(log_.text(), "server| ...\nserver| public\nserver| ...\n");
}

TEST_F(OutputTest, IsCompleteWhenTheServerIsKilled) {
  EXPECT_EQ(Run("i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done; kill -KILL $$"),
            128 + SIGKILL);
  EXPECT_THAT(log_.text(), StartsWith("server| line 0\n"));
  EXPECT_THAT(log_.text(), EndsWith("server| line 4999\n"));
}

TEST_F(OutputTest, ComesWhileTheServerRuns) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
  // The log itself is the pipe's other end here.
  const int before = dup(STDERR_FILENO);
  dup2(ends[1], STDERR_FILENO);
  InitLog("wrapper", LogFormat::kText, "info");
  auto child = StartLogged("echo now; sleep 1000");
  pollfd waiting{ends[0], POLLIN, 0};
  EXPECT_EQ(poll(&waiting, 1, static_cast<int>(kPatience.count())), 1);
  std::array<char, 64> bytes{};
  const ssize_t length = read(ends[0], bytes.data(), bytes.size());
  dup2(before, STDERR_FILENO);
  for (const int fd : {before, ends[0], ends[1]}) close(fd);
  EXPECT_EQ(std::string_view(bytes.data(), static_cast<std::size_t>(length)), "server| now\n");
}

TEST_F(OutputTest, DoesNotHoldTheServerUpWhenNobodyReadsTheLog) {
  const StuckStandardError stuck;
  // Three times what the pipe holds.
  auto child = StartLogged(
      "line=$(printf '%01000d' 0); i=0; while [ $i -lt 3000 ]; do echo $line; i=$((i+1)); done; exit 5");
  ASSERT_TRUE(child);
  EXPECT_EQ(Await(*child), 5);
}

TEST_F(OutputTest, EndsWithTheServerThoughSomebodyGoesOnWriting) {
  auto child = StartLogged(
      "setsid sh -c 'echo first; echo $$ >\"$1\"; while :; do echo more; done' sh \"$1\" & sleep 1000");
  ASSERT_TRUE(child);
  const int survivor = std::atoi(pipe_.ReadLine().c_str());
  ASSERT_GT(survivor, 1);
  child->Kill();
  EXPECT_EQ(Await(*child), 128 + SIGKILL);
  kill(survivor, SIGKILL);
  EXPECT_THAT(log_.text(), StartsWith("server| first\n"));
}

TEST_F(OutputTest, EndsWithTheServerThoughSomebodyHoldsThePipeOpen) {
  auto child = StartLogged("setsid sh -c 'echo $$ >\"$1\"; exec sleep 1000' sh \"$1\" & sleep 1000");
  ASSERT_TRUE(child);
  const int survivor = std::atoi(pipe_.ReadLine().c_str());
  ASSERT_GT(survivor, 1);
  child->Kill();
  const TimePoint killed = Clock::now();
  EXPECT_EQ(Await(*child), 128 + SIGKILL);
  EXPECT_LT(Clock::now() - killed, kPatience);
  kill(survivor, SIGKILL);
}

TEST_F(OutputTest, OfAServerThatClosedItsOwnIsNothing) {
  EXPECT_EQ(Run("exec >&- 2>&-; exit 6"), 6);
  EXPECT_EQ(log_.text(), "");
}

TEST_F(OutputTest, LeavesNoDescriptorBehind) {
  const auto count = [] {
    int open = 0;
    for (int fd = 0; fd < 256; ++fd) open += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    return open;
  };
  const int before = count();
  EXPECT_EQ(Run("echo a"), 0);
  EXPECT_FALSE(Child::Start({.argv = {"/nonexistent/server"}, .work_dir = "/", .log_name = "server"}));
  EXPECT_EQ(count(), before);
}

}  // namespace
}  // namespace redis_zk::testing::output_test
