#include "daemon/waiting.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <string>

#include "support/fake_time.h"
#include "support/fault_site.h"
#include "support/reports.h"
#include "unit/log_fixture.h"
#include "unit/wrapper_fixture.h"

namespace redis_zk::testing::waiting_test {
namespace {

using daemon::Wait;
using daemon::Waiting;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr Duration kLook = 500ms;

// How many lines of at least this level are logged while the same thing is waited for.
long LinesOf(std::string_view level, const Wait& wait, Duration duration) {
  FakeTime time;
  const CapturedLog log(level);
  Waiting waiting;
  for (const TimePoint end = Clock::now() + duration; Clock::now() <= end; time.Advance(kLook))
    waiting.Say(wait, Clock::now());
  const std::string text = log.text();
  return std::count(text.begin(), text.end(), '\n');
}

TEST(WaitingTest, IsSaidAtOnceAfterThirtySecondsAndThenOnceAMinute) {
  const Wait plain{.name = "a", .sentence = "waiting for a"};
  const Wait failing{.name = "a", .sentence = "cannot do a, retrying", .failing = true};
  const Wait persons{.name = "a", .sentence = "do a", .needs_person = true};
  const Wait told{.name = "a", .sentence = "waiting for a", .told = true};
  struct Row {
    const char* name;
    Wait wait;
    Duration duration;
    long infos;  // and worse
    long warnings;
    long errors;
  };
  for (const auto& row :
       std::initializer_list<Row>{{"begins", plain, 0s, 1, 0, 0},
                                  {"is not long yet", plain, 29s, 1, 0, 0},
                                  {"is long", plain, 30s, 2, 1, 0},
                                  {"is no flood", plain, 89s, 2, 1, 0},
                                  {"is said again", plain, 90s, 3, 2, 0},
                                  {"is said once a minute", plain, 5min, 6, 5, 0},
                                  {"a failure is a warning from the start", failing, 29s, 1, 1, 0},
                                  {"a failure that stays", failing, 90s, 3, 3, 0},
                                  {"a person's is an error from the start", persons, 0s, 1, 1, 1},
                                  {"a person's stays one", persons, 5min, 6, 6, 6},
                                  {"what another line has told", told, 29s, 0, 0, 0},
                                  {"what another line has told, and is long", told, 90s, 2, 2, 0}}) {
    EXPECT_EQ(LinesOf("info", row.wait, row.duration), row.infos) << row.name;
    EXPECT_EQ(LinesOf("warn", row.wait, row.duration), row.warnings) << row.name;
    EXPECT_EQ(LinesOf("error", row.wait, row.duration), row.errors) << row.name;
  }
}

TEST(WaitingTest, ANewReasonIsSaidAndKeepsTheClock) {
  FakeTime time;
  const CapturedLog log;
  Waiting waiting;
  const TimePoint begun = Clock::now();
  waiting.Say({.name = "a", .sentence = "waiting for a"}, Clock::now());
  time.Advance(20s);
  waiting.Say({.name = "b", .sentence = "waiting for b"}, Clock::now());
  EXPECT_THAT(log.text(), HasSubstr("| waiting for b\n"));
  EXPECT_EQ(waiting.current()->name, "b");
  EXPECT_EQ(waiting.current()->since, begun);
  EXPECT_FALSE(waiting.FindLong(Clock::now()));
  time.Advance(10s);
  waiting.Say({.name = "b", .sentence = "waiting for b", .until = Clock::now() + 5s}, Clock::now());
  EXPECT_THAT(log.text(), HasSubstr("| has waited for 30 s: waiting for b; ends within 6 s\n"));
  EXPECT_EQ(waiting.FindLong(Clock::now())->name, "b");
}

TEST(WaitingTest, ReasonsThatAlternateAreNoFloodAndNotSilent) {
  FakeTime time;
  const CapturedLog log;
  Waiting waiting;
  for (int look = 0; look < 170; ++look) {
    waiting.Say({.name = look % 2 == 0 ? "a" : "b", .sentence = look % 2 == 0 ? "for a" : "for b"},
                Clock::now());
    time.Advance(kLook);
  }
  const std::string text = log.text();
  EXPECT_THAT(text, HasSubstr("has waited for 30 s"));
  EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 4) << text;
}

TEST(WaitingTest, IsSilentOnceItIsOver) {
  FakeTime time;
  const CapturedLog log;
  Waiting waiting;
  const Wait wait{.name = "a", .sentence = "for a"};
  waiting.Say(wait, Clock::now());
  time.Advance(5s);
  waiting.End(Clock::now());
  EXPECT_THAT(log.text(), Not(HasSubstr("no longer"))) << "it was not long";
  EXPECT_FALSE(waiting.current());
  time.Advance(60s);
  const TimePoint again = Clock::now();
  waiting.Note(wait, Clock::now());
  EXPECT_EQ(waiting.current()->since, again) << "another wait";
  EXPECT_THAT(log.text(), Not(HasSubstr("has waited")));
  time.Advance(42s);
  waiting.Note(wait, Clock::now());
  waiting.Note(std::nullopt, Clock::now());
  EXPECT_THAT(log.text(), HasSubstr("| no longer waiting, after 42 s: for a\n"));
  const std::string before = log.text();
  waiting.End(Clock::now());
  EXPECT_EQ(log.text(), before) << "once";
}

TEST(WaitingTest, CanHaveBegunBeforeItWasSaid) {
  FakeTime time;
  const CapturedLog log;
  Waiting waiting;
  waiting.Say({.name = "a", .sentence = "for a", .since = Clock::now() - 40s}, Clock::now());
  EXPECT_THAT(log.text(), HasSubstr("has waited for 40 s: for a"));
}

// What the watchers find of a wrapper's wait.
class PublishedWaitTest : public WrapperTest {
 protected:
  struct Site {
    explicit Site(PublishedWaitTest& test) : loop(zookeeper, test.signals(), test.common_, test.server_) {}

    // As a start does.
    void WaitFor(Duration duration, const Wait& wait) {
      for (const TimePoint end = Clock::now() + duration; Clock::now() < end;) {
        loop->SayWaiting(wait);
        loop->Pump(Clock::now() + kLook);
      }
    }
    void WorkFor(Duration duration) {
      loop->NoteWaiting(std::nullopt);
      for (const TimePoint end = Clock::now() + duration; Clock::now() < end;)
        loop->Pump(Clock::now() + kLook);
    }
    std::vector<store::Wait> Published() { return ReportedWaits(other); }

    FakeZooKeeper zookeeper;
    std::unique_ptr<zookeeper::Session> other_session = OpenFake(zookeeper);
    store::Registry other{*other_session, "/redis"};
    FaultyLoop loop;
  };

  const CapturedLog quiet_;
};

TEST_F(PublishedWaitTest, ALongWaitIsThereUntilItIsOver) {
  Site site(*this);
  const Wait wait{.name = "a", .sentence = "for a", .needs_person = true, .until = Clock::now() + 100s};
  site.WaitFor(29s, wait);
  EXPECT_TRUE(site.Published().empty()) << "it is not long yet";
  site.WaitFor(3s, wait);
  const auto published = site.Published();
  ASSERT_EQ(published.size(), 1U);
  EXPECT_EQ(published[0].group, common_.master_name);
  EXPECT_EQ(published[0].daemon, "wrapper");
  EXPECT_EQ(published[0].endpoint, server_.announce);
  EXPECT_EQ(published[0].name, "a");
  EXPECT_EQ(published[0].sentence, "for a");
  EXPECT_TRUE(published[0].needs_person);
  EXPECT_EQ(published[0].until.value() - published[0].since, 100'000);
  site.WaitFor(3s, {.name = "b", .sentence = "for b"});
  ASSERT_EQ(site.Published().size(), 1U);
  EXPECT_EQ(site.Published()[0].name, "b");
  site.WorkFor(3s);
  EXPECT_TRUE(site.Published().empty());
}

TEST_F(PublishedWaitTest, ItComesAndGoesWhicheverCallFails) {
  AtEveryCall([this](int number, Fault fault) {
    Site site(*this);
    const Wait wait{.name = "a", .sentence = "for a"};
    site.loop.session().FailCall(number, fault);
    site.WaitFor(45s, wait);
    EXPECT_EQ(site.Published().size(), 1U);
    site.WorkFor(15s);
    EXPECT_TRUE(site.Published().empty());
    return site.loop.session().faults() > 0;
  });
}

TEST_F(PublishedWaitTest, ItIsThereAgainInAnotherSession) {
  Site site(*this);
  const Wait wait{.name = "a", .sentence = "for a"};
  site.WaitFor(35s, wait);
  site.zookeeper.Expire(site.loop.session().id());
  EXPECT_TRUE(site.Published().empty()) << "it goes with the session";
  site.WaitFor(3s, wait);
  EXPECT_EQ(site.Published().size(), 1U);
}

TEST_F(PublishedWaitTest, AZooKeeperThatIsAwayIsSaid) {
  Site site(*this);
  const CapturedLog log;
  site.zookeeper.Stop();
  site.WorkFor(35s);
  EXPECT_THAT(log.text(), HasSubstr(" is unreachable; waiting until it answers"));
  site.zookeeper.Start();
  site.WorkFor(3s);
  EXPECT_THAT(log.text(), HasSubstr("no longer waiting, after "));
}

}  // namespace
}  // namespace redis_zk::testing::waiting_test
