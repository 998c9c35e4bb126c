#include "os/event_queue.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <initializer_list>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "support/wait.h"
#include "unit/signals_fixture.h"

namespace redis_zk::testing::event_queue_test {
namespace {

using Event = std::variant<SignalReceived, std::string>;

class EventQueueTest : public SignalsTest {
 protected:
  std::string PopText(Duration patience = kPatience) {
    const auto event = queue_.Pop(Clock::now() + patience);
    if (!event) return "nothing";
    if (const auto* signal = std::get_if<SignalReceived>(&*event)) {
      return "signal " + std::to_string(signal->number);
    }
    return std::get<std::string>(*event);
  }

  EventQueue<Event> queue_{signals()};
};

TEST(RemainingTest, RoundsUpAndNeverBelowZero) {
  const TimePoint now = Clock::now();
  struct Row {
    const char* name;
    std::chrono::nanoseconds ahead;
    Duration remaining;
  };
  for (const auto& [name, ahead, remaining] : std::initializer_list<Row>{{"now", 0ns, 0ms},
                                                                         {"past", -1ns, 0ms},
                                                                         {"long past", -1h, 0ms},
                                                                         {"one nanosecond", 1ns, 1ms},
                                                                         {"one millisecond", 1ms, 1ms},
                                                                         {"a little more", 1ms + 1ns, 2ms},
                                                                         {"an hour", 1h, 1h}}) {
    EXPECT_EQ(Remaining(now + ahead, now), remaining) << name;
  }
  EXPECT_GT(Remaining(TimePoint::max(), now), 24h);
}

TEST_F(EventQueueTest, GivesBackInOrderWhatWasPushed) {
  queue_.Push("first");
  queue_.Push("second");
  EXPECT_EQ(PopText(), "first");
  queue_.Push("third");
  EXPECT_EQ(PopText(), "second");
  EXPECT_EQ(PopText(), "third");
  EXPECT_EQ(PopText(0ms), "nothing");
}

TEST_F(EventQueueTest, WaitsUntilItsDeadlineOnly) {
  const TimePoint deadline = Clock::now() + 10ms;
  EXPECT_FALSE(queue_.Pop(deadline));
  EXPECT_GE(Clock::now(), deadline);
  EXPECT_FALSE(queue_.Pop(TimePoint::min()));
}

TEST_F(EventQueueTest, GivesWhatIsThereEvenWhenTheDeadlineHasPassed) {
  queue_.Push("late");
  EXPECT_EQ(PopText(-1h), "late");
}

TEST_F(EventQueueTest, WakesForAnEventOfAnotherThread) {
  std::thread other([this] { queue_.Push("from the other thread"); });
  EXPECT_EQ(PopText(), "from the other thread");
  other.join();
}

TEST_F(EventQueueTest, WaitsWithoutALimit) {
  std::thread other([this] { queue_.Push("at last"); });
  EXPECT_TRUE(queue_.Pop(TimePoint::max()));
  other.join();
}

TEST_F(EventQueueTest, LosesNothingOfManyThreads) {
  constexpr int kThreads = 4;
  constexpr int kEach = 500;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([this, thread] {
      for (int i = 0; i < kEach; ++i) queue_.Push(std::to_string(thread) + ' ' + std::to_string(i));
    });
  }
  std::vector<int> next(kThreads, 0);
  for (int taken = 0; taken < kThreads * kEach; ++taken) {
    const std::string text = PopText();
    const auto thread = static_cast<std::size_t>(text.at(0) - '0');
    EXPECT_EQ(text.substr(2), std::to_string(next.at(thread)++)) << "each thread's events keep their order";
  }
  EXPECT_EQ(PopText(0ms), "nothing");
  for (auto& thread : threads) thread.join();
}

TEST_F(EventQueueTest, PutsSignalsFirst) {
  queue_.Push("event");
  raise(SIGTERM);
  EXPECT_EQ(PopText(), "signal " + std::to_string(SIGTERM));
  EXPECT_EQ(PopText(), "event");
}

TEST_F(EventQueueTest, WakesForASignal) {
  std::thread other([loop = pthread_self()] { pthread_kill(loop, SIGHUP); });
  EXPECT_EQ(PopText(), "signal " + std::to_string(SIGHUP));
  other.join();
}

TEST_F(EventQueueTest, SeesEverySignalThatASchedulerOrAPersonSends) {
  for (const int number :
       {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD, SIGWINCH, SIGALRM, SIGCONT}) {
    raise(number);
    EXPECT_EQ(PopText(), "signal " + std::to_string(number));
  }
}

using BlockedSignalsTest = SignalsTest;

TEST_F(BlockedSignalsTest, HasNothingWhereNothingCame) {
  EXPECT_FALSE(signals().Next());
  raise(SIGUSR1);
  raise(SIGUSR1);
  EXPECT_EQ(signals().Next()->number, SIGUSR1);
  EXPECT_FALSE(signals().Next()) << "two of a kind are one";
}

TEST_F(BlockedSignalsTest, LeavesFaultsAndTheTerminalAlone) {
  const sigset_t mask = CurrentMask();
  for (const int number :
       {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP, SIGTSTP, SIGTTIN, SIGTTOU}) {
    EXPECT_EQ(sigismember(&mask, number), 0) << number;
  }
  for (const int number : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGCHLD, SIGUSR1, SIGUSR2, SIGALRM, SIGXFSZ}) {
    EXPECT_EQ(sigismember(&mask, number), 1) << number;
  }
}

TEST_F(BlockedSignalsTest, RemembersTheMaskThatWasBefore) {
  EXPECT_EQ(sigismember(&signals().original_mask(), SIGTERM), 0);
  EXPECT_EQ(sigismember(&signals().original_mask(), SIGCHLD), 0);
}

TEST_F(BlockedSignalsTest, AWriteToAClosedPipeIsAnError) {
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  close(fds[0]);
  EXPECT_EQ(write(fds[1], "x", 1), -1);
  EXPECT_EQ(errno, EPIPE);
  close(fds[1]);
}

TEST_F(BlockedSignalsTest, ThreadsInheritTheMask) {
  bool blocked = false;
  std::thread([&blocked] {
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    blocked = sigismember(&mask, SIGTERM) == 1;
  }).join();
  EXPECT_TRUE(blocked);
}

}  // namespace
}  // namespace redis_zk::testing::event_queue_test
