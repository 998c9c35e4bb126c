#include "os/supervisor.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>

#include "unit/shell_fixture.h"

namespace redis_zk::testing::supervisor_test {
namespace {

using os::Supervisor;

constexpr Duration kStopTimeout = 10s;
const TimePoint kNow = Clock::now();

class SupervisorTest : public ShellTest {
 protected:
  // Supervises a script that says "ready" through the pipe once it has set its traps.
  void Supervise(const std::string& script) {
    auto child = Start("exec >\"$1\"; " + script);
    ASSERT_TRUE(child);
    supervisor_.emplace(std::make_unique<os::Child>(std::move(*child)), kStopTimeout);
    ASSERT_EQ(pipe_.ReadLine(), "ready");
  }
  std::optional<int> AwaitEnd() { return Await(*supervisor_); }

  std::optional<Supervisor> supervisor_;
};

// Waits in a way that a trap interrupts.
const std::string kWait = "echo ready; sleep 1000 & while :; do wait; done";

TEST_F(SupervisorTest, LooksOnAsLongAsNothingHappens) {
  Supervise(kWait);
  EXPECT_FALSE(supervisor_->stopping());
  EXPECT_FALSE(supervisor_->deadline());
  supervisor_->OnTick(kNow + 1h);
  EXPECT_FALSE(supervisor_->Reap());
}

TEST_F(SupervisorTest, StopsTheServerOnAnyOfTheStopSignals) {
  for (const int number : {SIGTERM, SIGINT, SIGQUIT}) {
    Supervise("trap 'exit 0' TERM; trap 'exit 9' INT QUIT; " + kWait);
    supervisor_->OnSignal(number, kNow);
    EXPECT_TRUE(supervisor_->stopping());
    EXPECT_EQ(supervisor_->deadline(), kNow + 1s) << "to be asked again";
    EXPECT_EQ(AwaitEnd(), 0) << number;
  }
}

TEST_F(SupervisorTest, TurnsTheServersEndIntoOurExitCode) {
  struct Row {
    const char* name;
    std::string on_term;
    bool asked;
    int code;
  };
  for (const auto& [name, on_term, asked, code] : std::initializer_list<Row>{
           {"stopped", "trap 'exit 0' TERM; ", true, 0},
           {"stopped without a handler", "", true, 0},
           {"stopped with an error", "trap 'exit 1' TERM; ", true, 1},
           {"crashed while stopping", "trap 'kill -KILL $$' TERM; ", true, 128 + SIGKILL},
           {"TERM of somebody else", "", false, 128 + SIGTERM},
           {"ended by somebody else", "trap 'exit 0' TERM; ", false, 0},
           {"failed", "trap 'exit 42' TERM; ", false, 42}}) {
    auto child = Start("exec >\"$1\"; " + on_term + kWait);
    ASSERT_TRUE(child) << name;
    const pid_t pid = child->pid();
    supervisor_.emplace(std::make_unique<os::Child>(std::move(*child)), kStopTimeout);
    ASSERT_EQ(pipe_.ReadLine(), "ready") << name;
    if (asked) {
      supervisor_->Stop(kNow);
    } else {
      kill(pid, SIGTERM);
    }
    EXPECT_EQ(AwaitEnd(), code) << name;
  }
}

TEST_F(SupervisorTest, KillsAServerThatDoesNotStopInTime) {
  Supervise("trap '' TERM; " + kWait);
  supervisor_->Stop(kNow);
  supervisor_->OnTick(kNow + kStopTimeout - 1ms);
  EXPECT_TRUE(supervisor_->deadline()) << "not yet";
  supervisor_->OnTick(kNow + kStopTimeout);
  EXPECT_FALSE(supervisor_->deadline()) << "nothing is left to do";
  EXPECT_EQ(AwaitEnd(), 128 + SIGKILL) << "killed is not stopped";
  EXPECT_TRUE(pipe_.EveryWriterIsGone()) << "the whole group";
}

TEST_F(SupervisorTest, AsksAgainAServerThatRefused) {
  Supervise("trap 'trap - TERM; echo refused' TERM; " + kWait);
  supervisor_->Stop(kNow);
  EXPECT_EQ(pipe_.ReadLine(), "refused");
  supervisor_->OnTick(kNow + 999ms);
  supervisor_->OnTick(kNow + 1s);
  EXPECT_EQ(AwaitEnd(), 0);
}

TEST_F(SupervisorTest, AsksMoreSeldomAndOnceMoreBeforeItKills) {
  Supervise("trap '' TERM; " + kWait);
  supervisor_->Stop(kNow);
  for (const Duration asked : {1s, 3s, 7s, 9s}) {
    EXPECT_EQ(supervisor_->deadline(), kNow + asked);
    supervisor_->OnTick(kNow + asked);
  }
  EXPECT_EQ(supervisor_->deadline(), kNow + kStopTimeout);
}

TEST_F(SupervisorTest, KillsAtOnceWhenAskedASecondTime) {
  Supervise("trap '' TERM; " + kWait);
  supervisor_->OnSignal(SIGTERM, kNow);
  supervisor_->OnSignal(SIGINT, kNow + 1ms);
  EXPECT_FALSE(supervisor_->deadline());
  // A third time changes nothing.
  supervisor_->OnSignal(SIGTERM, kNow + 2ms);
  supervisor_->OnTick(kNow + 1h);
  EXPECT_EQ(AwaitEnd(), 128 + SIGKILL);
  EXPECT_TRUE(pipe_.EveryWriterIsGone());
}

TEST_F(SupervisorTest, HandsOtherSignalsOn) {
  Supervise("trap 'echo USR1' USR1; trap 'echo USR2' USR2; " + kWait);
  struct Row {
    int number;
    const char* name;
  };
  for (const auto& [number, name] : std::initializer_list<Row>{{SIGUSR1, "USR1"}, {SIGUSR2, "USR2"}}) {
    supervisor_->OnSignal(number, kNow);
    EXPECT_EQ(pipe_.ReadLine(), name);
  }
  EXPECT_FALSE(supervisor_->stopping());
}

TEST_F(SupervisorTest, KeepsToItselfWhatIsNotForTheServer) {
  Supervise("for s in HUP ALRM WINCH CONT CHLD PIPE; do trap \"echo $s\" $s; done; trap 'echo USR1' USR1; " +
            kWait);
  for (const int number : {SIGHUP, SIGALRM, SIGWINCH, SIGCONT, SIGCHLD, SIGPIPE, SIGKILL}) {
    supervisor_->OnSignal(number, kNow);
  }
  supervisor_->OnSignal(SIGUSR1, kNow);
  EXPECT_EQ(pipe_.ReadLine(), "USR1") << "and nothing before it";
}

}  // namespace
}  // namespace redis_zk::testing::supervisor_test
