#include "os/child.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <csignal>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "unit/files.h"
#include "unit/shell_fixture.h"

namespace redis_zk::testing::child_test {
namespace {

using os::Child;
using ::testing::HasSubstr;

// Sleeps for longer than any test, holding the pipe open, until it is killed.
constexpr const char* kSleepOnPipe = "exec >\"$1\"; echo ready; exec sleep 1000";

class ChildTest : public ShellTest {
 protected:
  // The exit code of a script that must start.
  int Run(const std::string& script) {
    auto child = Start(script);
    EXPECT_TRUE(child) << script;
    return child ? Await(*child).value_or(-1) : -1;
  }
};

TEST_F(ChildTest, EndsWithItsOwnExitCode) {
  for (const int code : {0, 1, 2, 42, 64, 75, 78, 125, 126, 127, 128, 129, 137, 254, 255}) {
    EXPECT_EQ(Run("exit " + std::to_string(code)), code);
  }
}

TEST_F(ChildTest, EndsWith128AndTheSignalThatKilledIt) {
  for (const int number : {SIGHUP, SIGINT, SIGKILL, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGPIPE}) {
    EXPECT_EQ(Run("kill -" + std::to_string(number) + " $$"), 128 + number);
  }
}

TEST_F(ChildTest, IsFoundInPath) {
  for (const std::vector<std::string>& argv :
       {std::vector<std::string>{"true"}, std::vector<std::string>{"/bin/true"}}) {
    auto child = StartProgram(argv);
    ASSERT_TRUE(child) << argv[0];
    EXPECT_EQ(Await(*child), 0) << argv[0];
  }
}

TEST_F(ChildTest, SaysWhyItCannotStart) {
  const TempDir dir;
  const std::string plain = WriteFile(dir.path() / "plain", "text");
  const std::string no_program = WriteFile(dir.path() / "no_program", "no program");
  const std::string no_interpreter = WriteFile(dir.path() / "no_interpreter", "#!/nonexistent/sh\n");
  for (const auto& path : {no_program, no_interpreter}) {
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  }
  struct Row {
    const char* name;
    std::string program;
    ErrorKind kind;
    std::string message;
  };
  for (const auto& [name, program, kind, message] : std::initializer_list<Row>{
           {"not in PATH", "no-such-program-anywhere", ErrorKind::kNotFound, "not found in PATH"},
           {"no such file", "/nonexistent/redis-server", ErrorKind::kNotFound,
            "\"/nonexistent/redis-server\" not found"},
           {"empty name", "", ErrorKind::kRefused, "is not an executable file"},
           {"not executable", plain, ErrorKind::kRefused, "\"" + plain + "\" is not an executable file"},
           {"directory", dir.path().string(), ErrorKind::kRefused, "is not an executable file"},
           {"below a file", plain + "/x", ErrorKind::kNotFound, "not found"},
           {"no program", no_program, ErrorKind::kRefused, "Exec format error"},
           {"no interpreter", no_interpreter, ErrorKind::kNotFound, "cannot execute"}}) {
    const auto child = StartProgram({program});
    ASSERT_FALSE(child) << name;
    EXPECT_EQ(child.error().kind, kind) << name;
    EXPECT_THAT(child.error().message, HasSubstr(message)) << name;
  }
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "no process is left behind";
}

TEST_F(ChildTest, RunsInItsDirectoryAndHearsNothing) {
  EXPECT_EQ(Run("[ \"$(pwd)\" = / ]"), 0);
  EXPECT_EQ(Run("[ /proc/$$/fd/0 -ef /dev/null ]"), 0);
}

TEST_F(ChildTest, HasTheSignalsOfAnOrdinaryProcess) {
  // As nohup, a shell's background and Python leave them. Without its own, neither TERM nor a closed pipe
  // would end it.
  std::map<int, sighandler_t> before;
  for (const int number : {SIGHUP, SIGINT, SIGPIPE, SIGXFSZ}) before[number] = signal(number, SIG_IGN);
  for (const char* field : {"SigBlk", "SigIgn"}) {
    EXPECT_EQ(Run(std::string("grep -q '^") + field + ":\t0000000000000000$' /proc/self/status"), 0) << field;
  }
  EXPECT_EQ(Run("kill -TERM $$"), 128 + SIGTERM);
  for (const auto& [number, handler] : before) signal(number, handler);
}

TEST_F(ChildTest, InheritsNoDescriptor) {
  // As the ZooKeeper client and hiredis leave theirs: not marked close-on-exec.
  std::vector<int> leaking;
  for (const int number : {3, 4, 5, 20, 100, 255, 900}) {
    if (fcntl(number, F_GETFD) < 0) leaking.push_back(dup2(STDERR_FILENO, number));
  }
  EXPECT_EQ(Run("n=3; while [ $n -lt 1024 ]; do [ ! -e /proc/$$/fd/$n ] || exit 1; n=$((n+1)); done"), 0);
  for (const int number : leaking) close(number);
}

TEST_F(ChildTest, LeadsAGroupOfItsOwn) {
  auto child = Start(kSleepOnPipe);
  ASSERT_TRUE(child);
  EXPECT_EQ(getpgid(child->pid()), child->pid());
  EXPECT_NE(getpgid(0), child->pid());
}

TEST_F(ChildTest, IsGoneWithEverythingItStartedWhenItIsDestroyed) {
  {
    const auto child = Start("exec >\"$1\"; sleep 1000 & trap '' TERM HUP INT; echo ready; wait");
    ASSERT_TRUE(child);
    ASSERT_EQ(pipe_.ReadLine(), "ready");
  }
  EXPECT_TRUE(pipe_.EveryWriterIsGone());
}

TEST_F(ChildTest, TakesWhatItStartedWithItWhenItEnds) {
  auto child = Start("exec >\"$1\"; sleep 1000 & echo ready; exit 3");
  ASSERT_TRUE(child);
  ASSERT_EQ(pipe_.ReadLine(), "ready");
  EXPECT_EQ(Await(*child), 3);
  EXPECT_TRUE(pipe_.EveryWriterIsGone());
}

TEST_F(ChildTest, KillReachesTheWholeGroup) {
  auto child = Start("exec >\"$1\"; (trap '' TERM; echo ready; sleep 1000) & wait");
  ASSERT_TRUE(child);
  ASSERT_EQ(pipe_.ReadLine(), "ready");
  child->Kill();
  EXPECT_TRUE(pipe_.EveryWriterIsGone());
  EXPECT_EQ(Await(*child), 128 + SIGKILL);
}

TEST_F(ChildTest, SignalReachesTheChildAlone) {
  auto child = Start(
      "exec >\"$1\"; trap 'echo child; exit 5' HUP; "
      "(trap 'echo grandchild' HUP; sleep 1000 & echo ready; wait; wait) & wait");
  ASSERT_TRUE(child);
  ASSERT_EQ(pipe_.ReadLine(), "ready");
  child->Signal(SIGHUP);
  EXPECT_EQ(pipe_.ReadLine(), "child");
  EXPECT_EQ(Await(*child), 5);
  EXPECT_TRUE(pipe_.EveryWriterIsGone());
  EXPECT_EQ(pipe_.ReadLine(), "");
}

TEST_F(ChildTest, ReapsOrphansToo) {
  // Orphans come to us as they come to PID 1.
  ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  auto child = Start("exec >\"$1\"; sh -c 'setsid sh -c \"echo orphan; exit 7\" &'; exec sleep 1000");
  ASSERT_TRUE(child);
  ASSERT_EQ(pipe_.ReadLine(), "orphan");
  siginfo_t ended{};
  ASSERT_EQ(waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT), 0);
  EXPECT_NE(ended.si_pid, child->pid());
  EXPECT_FALSE(child->Reap()) << "the orphan's end is not the child's";
  EXPECT_EQ(waitpid(ended.si_pid, nullptr, WNOHANG), -1) << "it has been reaped";
  child->Kill();
  EXPECT_EQ(Await(*child), 128 + SIGKILL);
  EXPECT_FALSE(child->Reap()) << "it ends once";
  prctl(PR_SET_CHILD_SUBREAPER, 0);
  while (waitpid(-1, nullptr, 0) > 0) {
  }
}

TEST_F(ChildTest, IsLeftToTheThreadThatStartedIt) {
  auto child = Start("exit 3");
  ASSERT_TRUE(child);
  siginfo_t ended{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(child->pid()), &ended, WEXITED | WNOWAIT), 0);
  std::thread([] { os::ReapStrangers(); }).join();
  EXPECT_EQ(child->Reap(), 3);
}

TEST_F(ChildTest, GetsTheInputAndTheEnvironmentThatItIsGiven) {
  const TempDir dir;
  const std::string input = WriteFile(dir.path() / "input", "the input");
  const int input_fd = open(input.c_str(), O_RDONLY | O_CLOEXEC);
  auto child = Child::Start(
      {.argv = {"/bin/sh", "-c", "echo \"$(cat) $NAME ${HOME-none}\" >\"$1\"", "sh", pipe_.path()},
       .work_dir = "/",
       .signal_mask = signals().original_mask(),
       .input = input_fd,
       .environment = {{"NAME=value", "PATH=/bin:/usr/bin"}}});
  close(input_fd);
  ASSERT_TRUE(child);
  EXPECT_EQ(pipe_.ReadLine(), "the input value none");
  EXPECT_EQ(Await(*child), 0);
}

TEST_F(ChildTest, IsHarmlessOnceItHasEnded) {
  auto child = Start("exit 0");
  ASSERT_TRUE(child);
  EXPECT_EQ(Await(*child), 0);
  EXPECT_EQ(child->pid(), 0);
  // To pid 0 these would go to the test itself.
  child->Signal(SIGTERM);
  child->Kill();
  while (const auto signal = signals().Next()) EXPECT_EQ(signal->number, SIGCHLD);
}

TEST_F(ChildTest, MovesToItsNewOwner) {
  auto first = Start(kSleepOnPipe);
  ASSERT_TRUE(first);
  ASSERT_EQ(pipe_.ReadLine(), "ready");
  {
    const Child second(std::move(*first));
    EXPECT_GT(second.pid(), 0);
    EXPECT_EQ(first->pid(), 0);  // NOLINT(bugprone-use-after-move): what is left is the point
  }
  EXPECT_TRUE(pipe_.EveryWriterIsGone());
}

TEST_F(ChildTest, DoesNotOutliveAWrapperThatIsKilled) {
  const pid_t wrapper = fork();
  if (wrapper == 0) {
    const auto child = Start(kSleepOnPipe);
    while (true) pause();
  }
  ASSERT_GT(wrapper, 0);
  EXPECT_EQ(pipe_.ReadLine(), "ready");
  kill(wrapper, SIGKILL);
  EXPECT_TRUE(pipe_.EveryWriterIsGone());
  waitpid(wrapper, nullptr, 0);
}

}  // namespace
}  // namespace redis_zk::testing::child_test
