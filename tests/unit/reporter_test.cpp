#include "daemon/reporter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <initializer_list>
#include <string>

#include "base/log.h"
#include "support/fake_time.h"
#include "support/fault_site.h"
#include "support/reports.h"
#include "support/servers.h"
#include "unit/files.h"
#include "unit/log_fixture.h"

namespace redis_zk::testing::reporter_test {
namespace {

using daemon::Reporter;
using store::Report;
using ::testing::IsEmpty;

constexpr std::int64_t kTime = 1'700'000'000'000;

// A wrapper's reporter, and another client that looks on.
struct ReporterSite : FaultSite {
  ReporterSite() {
    using Call = FailingSession::Call;
    for (const auto call : {Call::kCreate, Call::kSet, Call::kDelete, Call::kCommit})
      session.BeforeEvery(call, [this] { ++writes; });
    EXPECT_TRUE(other.groups.Ensure("master1"));
  }

  Reporter Make() { return {session, registry.reports, process, /*is_open=*/false, past_file}; }
  // As the loop does.
  void Turn(Reporter& reporter, Duration duration) {
    for (const TimePoint end = Clock::now() + duration; Clock::now() < end; time.Advance(100ms))
      reporter.Keep(Clock::now());
  }
  Report Published() {
    const auto all = Reports(other);
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? Report{} : all.front();
  }

  FakeTime time;
  const TempDir dir;
  const std::string past_file = (dir.path() / "past.json").string();
  const Report::Process process{.uuid = "w",
                                .daemon = "redis-wrapper",
                                .group = "master1",
                                .endpoint = {"10.0.0.1", 6379},
                                .version = "0.2.0",
                                .started = kTime};
  int writes = 0;
};

class ReporterTest : public ::testing::Test {
 protected:
  const CapturedLog quiet_;
};

TEST_F(ReporterTest, AQuietWrapperWritesOnce) {
  ReporterSite site;
  Reporter reporter = site.Make();
  site.Turn(reporter, 1s);
  EXPECT_EQ(site.Published().process, site.process);
  EXPECT_EQ(site.Published().zookeeper.sessions, 1);
  site.writes = 0;
  for (int i = 0; i < 100; ++i) {
    reporter.NoteRole("");
    reporter.NoteTurn(999ms);
    reporter.NoteWait(std::nullopt, Clock::now());
    site.Turn(reporter, 1s);
  }
  EXPECT_EQ(site.writes, 0);
}

TEST_F(ReporterTest, WhatAPersonShouldKnowIsWrittenAtOnceAndTheRestTogether) {
  struct Row {
    const char* name;
    std::function<void(Reporter&)> happens;
    bool at_once;
  };
  const daemon::Wait wait{.name = "a", .sentence = "for a", .since = Clock::now()};
  for (const Row& row : std::initializer_list<Row>{
           {"a wait", [&](auto& reporter) { reporter.NoteWait(wait, Clock::now()); }, true},
           {"the fence", [](auto& reporter) { reporter.NoteFence(true); }, true},
           {"the end of the server", [](auto& reporter) { reporter.NoteExit(1); }, true},
           {"a handover", [](auto& reporter) { reporter.NoteHandover(false, "why"); }, true},
           {"certificates",
            [](auto& reporter) {
              reporter.NoteCertificates({{"/a", 1}});
            },
            true},
           {"the role", [](auto& reporter) { reporter.NoteRole("master"); }, false},
           {"a launch", [](auto& reporter) { reporter.NoteLaunch(); }, false},
           {"a slow turn", [](auto& reporter) { reporter.NoteTurn(2s); }, false},
           {"a warning", [](auto&) { log::Warn({.event = "a"}, "a warning"); }, false}}) {
    ReporterSite site;
    Reporter reporter = site.Make();
    site.Turn(reporter, 2s);
    const Report before = site.Published();
    row.happens(reporter);
    site.Turn(reporter, 200ms);
    EXPECT_EQ(site.Published() != before, row.at_once) << row.name;
    site.Turn(reporter, 10s);
    EXPECT_NE(site.Published(), before) << row.name;
  }
}

TEST_F(ReporterTest, AStormOfNewsIsAWriteASecondAtMost) {
  ReporterSite site;
  Reporter reporter = site.Make();
  site.Turn(reporter, 2s);
  site.writes = 0;
  for (int i = 0; i < 100; ++i) {
    reporter.NoteFence(i % 2 == 0);
    site.Turn(reporter, 100ms);
  }
  EXPECT_LE(site.writes, 10);
}

TEST_F(ReporterTest, AWaitWhoseSentenceCountsIsNoStorm) {
  ReporterSite site;
  Reporter reporter = site.Make();
  site.Turn(reporter, 2s);
  site.writes = 0;
  const TimePoint since = Clock::now();
  for (int i = 0; i < 100; ++i) {
    reporter.NoteWait(daemon::Wait{.name = "a", .sentence = std::to_string(i), .since = since}, Clock::now());
    site.Turn(reporter, 100ms);
  }
  EXPECT_LE(site.writes, 2);
}

TEST(IsUrgentTest, OneErrorInTenSecondsIs) {
  const Report none;
  Report first;
  first.error = store::LoggedLine{kTime, "a", "one"};
  Report soon = first;
  soon.error = store::LoggedLine{kTime + 9'999, "b", "two"};
  Report later = first;
  later.error->time += 10'000;
  EXPECT_TRUE(daemon::IsUrgent(none, first));
  EXPECT_FALSE(daemon::IsUrgent(first, first));
  EXPECT_FALSE(daemon::IsUrgent(first, soon));
  EXPECT_TRUE(daemon::IsUrgent(first, later));
}

TEST_F(ReporterTest, TheLastErrorAndWarningAreThoseOfTheLog) {
  ReporterSite site;
  Reporter reporter = site.Make();
  log::Error({.event = "server-exited", .more = {{"file", "secret"}}}, "it exited with {}", 1);
  log::Warn({.event = "fence-leftover"}, "it was up");
  log::Info({.event = "serving"}, "serving");
  site.Turn(reporter, 1s);
  EXPECT_EQ(site.Published().error->event, "server-exited");
  EXPECT_EQ(site.Published().error->sentence, "it exited with 1");
  EXPECT_GT(site.Published().error->time, kTime);
  EXPECT_EQ(site.Published().warning->event, "fence-leftover");
}

TEST_F(ReporterTest, ItIsThereAgainInAnotherSession) {
  ReporterSite site;
  Reporter reporter = site.Make();
  site.Turn(reporter, 1s);
  site.Expire();
  EXPECT_THAT(Reports(site.other), IsEmpty()) << "it goes with the session";
  site.Turn(reporter, 2s);
  EXPECT_EQ(site.Published().zookeeper.sessions, 2);
}

TEST_F(ReporterTest, ItComesWhicheverCallFails) {
  AtEveryCall([](int number, Fault fault) {
    ReporterSite site;
    Reporter reporter = site.Make();
    site.session.FailCall(number, fault);
    site.Turn(reporter, 5s);
    reporter.NoteFence(true);
    site.Turn(reporter, 15s);
    EXPECT_TRUE(site.Published().fenced);
    return site.session.faults() > 0;
  });
}

TEST_F(ReporterTest, NothingIsWrittenWhileItIsHeld) {
  ReporterSite site;
  Reporter reporter = site.Make();
  site.Turn(reporter, 2s);
  reporter.Hold(true);
  reporter.NoteFence(true);
  site.Turn(reporter, 20s);
  reporter.NoteHandover(true, "handed over");
  site.Turn(reporter, 20s);
  EXPECT_FALSE(site.Published().fenced);
  EXPECT_FALSE(std::filesystem::exists(site.past_file)) << "nor to the disk";
  reporter.Hold(false);
  site.Turn(reporter, 1s);
  EXPECT_TRUE(site.Published().fenced);
  EXPECT_TRUE(std::filesystem::exists(site.past_file));
}

TEST_F(ReporterTest, TheSlowestTurnIsKeptUntilItIsOld) {
  ReporterSite site;
  Reporter reporter = site.Make();
  const auto after = [&](Duration turn, Duration wait) {
    reporter.NoteTurn(turn);
    site.Turn(reporter, wait);
    const auto slow = site.Published().slow_turn;
    return slow ? slow->took : 0;
  };
  EXPECT_EQ(after(999ms, 11s), 0);
  EXPECT_EQ(after(2345ms, 11s), 2300) << "rounded";
  EXPECT_EQ(after(1500ms, 11s), 2300) << "the slowest";
  EXPECT_EQ(after(3s, 11s), 3000);
  site.Turn(reporter, 10min);
  EXPECT_EQ(after(1500ms, 11s), 1500) << "the one before is old, and has been told";
}

TEST_F(ReporterTest, WhatOutlivesTheProcessIsToldByTheNext) {
  ReporterSite site;
  {
    Reporter first = site.Make();
    first.NoteExit(137);
    site.Turn(first, 1s);
    {
      Reporter second = site.Make();
      second.NoteExit(1);
      second.NoteHandover(false, "no replica follows");
    }
    first.NoteLaunch();
    site.Turn(first, 2s);
    EXPECT_EQ(site.Published().past.exits, 2) << "what a predecessor wrote meanwhile";
  }
  Reporter next = site.Make();
  site.Turn(next, 12s);
  EXPECT_EQ(site.Published().past.exits, 2);
  EXPECT_EQ(site.Published().past.last_exit, 1);
  EXPECT_FALSE(site.Published().past.handover->done);
  EXPECT_EQ(site.Published().past.handover->sentence, "no replica follows");
}

TEST_F(ReporterTest, AFileThatIsUnreadableOrUnwritableCostsNothingElse) {
  ReporterSite site;
  WriteFile(site.past_file, "garbage");
  Reporter garbage = site.Make();
  garbage.NoteExit(1);
  site.Turn(garbage, 2s);
  EXPECT_EQ(site.Published().past.exits, 1);
  std::filesystem::remove(site.past_file);
  std::filesystem::create_directory(site.past_file);
  Reporter unwritable = site.Make();
  unwritable.NoteExit(1);
  site.Turn(unwritable, 12s);
  EXPECT_EQ(site.Published().past.exits, 1);
}

}  // namespace
}  // namespace redis_zk::testing::reporter_test
