#include "watcher/record_keeper.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/unix_time.h"
#include "unit/log_fixture.h"
#include "unit/watcher_fixture.h"
#include "watcher/registry_reader.h"

namespace redis_zk::testing::record_keeper_test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using watcher::RecordKeeper;
using watcher::RegistryReader;
using watcher::UpdateMasterMode;
using Call = FailingSession::Call;

const Endpoint kStranger{"10.0.0.9", 6379};

// A watcher that has read the registry, without its loop.
struct KeeperSite : WatcherSite {
  explicit KeeperSite(UpdateMasterMode mode = UpdateMasterMode::kOn)
      : keeper(mode, network.network(), registry, reader.pauses()) {
    Turn();
  }

  void Turn() {
    Write(keeper.CheckHinted(reader.view(), followed));
    for (const auto& event : std::exchange(events, {})) reader.Reduce(event);
    if (const auto changed = reader.Read()) keeper.Doubt(*changed);
    Write(keeper.CheckDoubted(reader.view()));
    CheckRecord();
  }
  void TurnFor(Duration duration) {
    for (const TimePoint end = Clock::now() + duration; Clock::now() < end; time.Advance(100ms)) Turn();
  }
  void Write(const std::vector<RecordKeeper::Change>& changes) {
    for (const auto& change : changes) {
      const auto written = keeper.Write(change);
      if (written) {
        reader.Replace(change.group, *written);
      } else {
        reader.MarkStale();
      }
      CheckRecord();
    }
  }
  // What must hold at every moment.
  void CheckRecord() {
    const auto record = Record();
    EXPECT_GE(record.epoch, newest) << "the record went back to " << record.master.ToAddress();
    newest = std::max(newest, record.epoch);
    EXPECT_TRUE(record.master == kA || record.master == kB || record.master == kC)
        << record.master.ToAddress() << " is no member";
    EXPECT_TRUE(record.lineage_fits);
  }

  std::optional<Endpoint> followed = SentinelAt(1);
  RegistryReader reader{options.common, session, registry};
  RecordKeeper keeper;
  std::uint64_t newest = 0;
};

void ExpectRecorded(KeeperSite& site, const Endpoint& master, std::uint64_t epoch) {
  const auto record = site.Record();
  EXPECT_EQ(record.master, master);
  EXPECT_EQ(record.epoch, epoch);
  EXPECT_EQ(site.other_session->Get("/redis/masters/master1", zookeeper::Watch::kNo)->data,
            master.ToRecord());
}

// With each fault at each call, first of those at ZooKeeper, then of those at the servers.
void AtEveryCallAnywhere(
    const std::function<bool(const std::function<void(KeeperSite&, std::function<void()>)>&)>& scenario) {
  for (const bool at_zookeeper : {true, false}) {
    SCOPED_TRACE(at_zookeeper ? "at ZooKeeper" : "at the servers");
    AtEveryCall([&](int number, Fault fault) {
      return scenario([&](KeeperSite& site, std::function<void()> then) {
        if (at_zookeeper) {
          site.session.FailCall(number, fault, std::move(then));
        } else {
          site.network.FailCall(number, fault, std::move(then));
        }
      });
    });
  }
}

int FaultsOf(const KeeperSite& site) { return site.session.faults() + site.network.faults(); }

TEST(RecordKeeperTest, ATrueRecordStaysAndThatIsSaidOnce) {
  const CapturedLog log;
  KeeperSite site;
  site.TurnFor(12s);
  ExpectRecorded(site, kA, 1);
  const std::string text = log.text();
  const auto first = text.find("the record is right");
  ASSERT_NE(first, std::string::npos) << text;
  EXPECT_EQ(first, text.rfind("the record is right")) << text;
}

TEST(RecordKeeperTest, ANewerEpochOfTheFollowedSentinelIsEnough) {
  const CapturedLog log;
  KeeperSite site;
  site.fleet.Promote(kB);
  site.Tell(1, kB, 2);
  site.keeper.Hint(kGroup);
  const int calls = site.network.calls();
  const auto changes = site.keeper.CheckHinted(site.reader.view(), site.followed);
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_EQ(site.network.calls(), calls + 1) << "the others are not asked";
  EXPECT_EQ(changes.front().next.master, kB);
  const auto written = site.keeper.Write(changes.front());
  ASSERT_TRUE(written);
  EXPECT_EQ(written->master, kB);
  ExpectRecorded(site, kB, 2);
  EXPECT_EQ(site.Record().version, written->version) << "what we take it for until it is read";
  EXPECT_FALSE(site.keeper.has_doubts());
  EXPECT_THAT(log.text(), HasSubstr("recorded 10.0.0.2:6379 as the master (before: 10.0.0.1:6379): "
                                    "Sentinel 10.0.0.1:26379 reports epoch 2"));
  EXPECT_THAT(site.keeper.CheckHinted(site.reader.view(), site.followed), IsEmpty()) << "once";
}

TEST(RecordKeeperTest, AFailoverIsRecordedWhicheverCallFails) {
  AtEveryCallAnywhere([](const auto& fail) {
    KeeperSite site;
    site.FailOver(kB, 2);
    site.keeper.Hint(kGroup);
    fail(site, nullptr);
    site.TurnFor(1s);
    const bool happened = FaultsOf(site) > 0;
    site.session.Heal();
    site.network.Heal();
    site.TurnFor(6s);
    ExpectRecorded(site, kB, 2);
    site.session.DeliverLate();
    ExpectRecorded(site, kB, 2);
    return happened;
  });
}

TEST(RecordKeeperTest, AFailoverWithoutAnEventIsFoundWithinSecondsWhicheverCallFails) {
  AtEveryCallAnywhere([](const auto& fail) {
    KeeperSite site;
    site.TurnFor(1s);
    site.FailOver(kC, 2);
    site.TurnFor(3900ms);
    ExpectRecorded(site, kA, 1);
    fail(site, nullptr);
    site.TurnFor(1s);
    const bool happened = FaultsOf(site) > 0;
    if (!happened) ExpectRecorded(site, kC, 2);
    site.TurnFor(6s);
    ExpectRecorded(site, kC, 2);
    return happened;
  });
}

TEST(RecordKeeperTest, ANewerRecordOfAnotherWatcherIsNotOverwrittenWhicheverCallFails) {
  AtEveryCallAnywhere([](const auto& fail) {
    KeeperSite site;
    site.FailOver(kB, 2);
    site.keeper.Hint(kGroup);
    fail(site, [&site] {
      // The next failover follows at once, and the other watcher knows it first.
      site.FailOver(kC, 3);
      EXPECT_TRUE(site.other.records.Write(kGroup, site.Record(), {kC, 3, "third"}, ""));
      site.newest = 3;
    });
    site.TurnFor(1s);
    const bool happened = FaultsOf(site) > 0;
    site.session.Heal();
    site.network.Heal();
    site.TurnFor(6s);
    ExpectRecorded(site, happened ? kC : kB, happened ? 3 : 2);
    return happened;
  });
}

TEST(RecordKeeperTest, LosesTheRaceForARecordWithoutAWarning) {
  const CapturedLog log;
  KeeperSite site;
  site.FailOver(kB, 2);
  site.keeper.Hint(kGroup);
  const auto changes = site.keeper.CheckHinted(site.reader.view(), site.followed);
  ASSERT_THAT(changes, SizeIs(1));
  ASSERT_TRUE(site.other.records.Write(kGroup, site.Record(), {kB, 2, "theirs"}, ""));
  site.Write(changes);
  EXPECT_EQ(site.Record().reason, "theirs");
  EXPECT_TRUE(site.keeper.has_doubts()) << "it is compared with what all say";
  site.time.Advance(100ms);
  site.Turn();
  EXPECT_EQ(site.Record().reason, "theirs");
  EXPECT_THAT(log.text(), Not(HasSubstr("cannot record")));
}

TEST(RecordKeeperTest, SaysThatARecordCannotBeWritten) {
  const CapturedLog log;
  KeeperSite site;
  site.session.FailEvery(Call::kCommit, Fault::kBefore);
  site.FailOver(kB, 2);
  site.TurnFor(12s);
  ExpectRecorded(site, kA, 1);
  EXPECT_THAT(log.text(), HasSubstr("cannot record 10.0.0.2:6379 as the master: "));
  site.session.Heal();
  site.TurnFor(6s);
  ExpectRecorded(site, kB, 2);
}

TEST(RecordKeeperTest, AStrangerIsNeverRecorded) {
  KeeperSite site;
  site.fleet.AddMaster(kStranger);
  // The followed Sentinel has the newest epoch of all for it, and then most of them have.
  site.Tell(1, kStranger, 9);
  for (const int number : {1, 2}) {
    site.Tell(number, kStranger, 9);
    site.keeper.Hint(kGroup);
    site.TurnFor(6s);
    ExpectRecorded(site, kA, 1);
  }
}

TEST(RecordKeeperTest, AStrangerDoesNotReplaceAMasterThatIsGone) {
  KeeperSite site;
  const auto own_data = site.fleet.redis(kA).replication_id;
  ASSERT_TRUE(site.other.datasets.WriteHistory(kGroup, {.replication_id = own_data}));
  site.fleet.AddMaster(kStranger);
  site.fleet.redis(kA).state = FakeFleet::State::kGone;
  for (const int number : {1, 2, 3}) site.Tell(number, kStranger, 9);
  site.TurnFor(12s);
  ExpectRecorded(site, kA, 1);
}

TEST(RecordKeeperTest, ASentinelWithAnotherIdIsNotBelieved) {
  KeeperSite site;
  site.fleet.sentinel(SentinelAt(1)).id = std::string(40, 'f');
  site.fleet.Promote(kB);
  site.Tell(1, kB, 2);
  site.keeper.Hint(kGroup);
  site.TurnFor(6s);
  ExpectRecorded(site, kA, 1);
}

TEST(RecordKeeperTest, AFollowedSentinelThatIsNoLongerRegisteredIsNotAskedAlone) {
  KeeperSite site;
  site.followed = SentinelAt(7);
  site.FailOver(kB, 2);
  site.keeper.Hint(kGroup);
  EXPECT_THAT(site.keeper.CheckHinted(site.reader.view(), site.followed), IsEmpty());
  EXPECT_TRUE(site.keeper.has_doubts());
  site.Turn();
  ExpectRecorded(site, kB, 2);
}

TEST(RecordKeeperTest, HintsOfNoFollowedSentinelAndOfNoGroupAreForgotten) {
  KeeperSite site;
  const int calls = site.network.calls();
  site.keeper.Hint("unknown");
  EXPECT_THAT(site.keeper.CheckHinted(site.reader.view(), site.followed), IsEmpty());
  site.keeper.Hint(kGroup);
  EXPECT_THAT(site.keeper.CheckHinted(site.reader.view(), std::nullopt), IsEmpty());
  site.keeper.Doubt({"unknown"});
  EXPECT_TRUE(site.keeper.has_doubts());
  EXPECT_THAT(site.keeper.CheckDoubted(site.reader.view()), IsEmpty());
  EXPECT_FALSE(site.keeper.has_doubts());
  EXPECT_EQ(site.network.calls(), calls);
}

TEST(RecordKeeperTest, WhatAMajorityNamesReplacesARecordOfAnotherClient) {
  for (const std::string& written : {kC.ToRecord(), std::string("rubbish"), std::string()}) {
    KeeperSite site;
    EXPECT_TRUE(site.other_session->Set("/redis/master", written, zookeeper::kAnyVersion));
    for (const auto& event : std::exchange(site.events, {})) site.reader.Reduce(event);
    site.time.Advance(1s);
    site.keeper.Doubt(site.reader.Read().value());
    const auto changes = site.keeper.CheckDoubted(site.reader.view());
    ASSERT_THAT(changes, SizeIs(1)) << written;
    EXPECT_TRUE(changes.front().all_asked);
    site.Write(changes);
    ExpectRecorded(site, kA, 1);
  }
}

TEST(RecordKeeperTest, AMinorityThatKnowsOnlyAnOlderEpochDoesNotReplaceTheRecord) {
  const CapturedLog log;
  KeeperSite site;
  site.fleet.redis(kA).state = FakeFleet::State::kGone;
  site.fleet.Promote(kB);
  site.Tell(1, kB, 0);
  site.fleet.sentinel(SentinelAt(2)).state = FakeFleet::State::kGone;
  site.fleet.sentinel(SentinelAt(3)).state = FakeFleet::State::kSilent;
  site.TurnFor(12s);
  ExpectRecorded(site, kA, 1);
  EXPECT_THAT(log.text(), HasSubstr("keeping the record: no majority of the registered Sentinels"));
}

TEST(RecordKeeperTest, OnlyNamesTheRecordThatItWouldWriteWhereItObserves) {
  const CapturedLog log;
  KeeperSite site(UpdateMasterMode::kObserve);
  site.FailOver(kB, 2);
  site.keeper.Hint(kGroup);
  site.TurnFor(6s);
  ExpectRecorded(site, kA, 1);
  EXPECT_THAT(log.text(), HasSubstr("UPDATE_MASTER=observe: skipped recording 10.0.0.2:6379 as the master "
                                    "(before: 10.0.0.1:6379), epoch 2: "));
}

TEST(RecordKeeperTest, WritesNothingInAGroupThatIsPausedAndAllOfItAfterwards) {
  const CapturedLog log;
  KeeperSite site;
  ASSERT_TRUE(site.other.paused_groups.Pause(kGroup, {.since = UnixTime(), .until = UnixTime() + 3'600'000}));
  site.TurnFor(1s);
  site.FailOver(kB, 2);
  site.keeper.Hint(kGroup);
  site.TurnFor(6s);
  ExpectRecorded(site, kA, 1);
  EXPECT_THAT(log.text(), HasSubstr(" UTC: skipped recording 10.0.0.2:6379 as the master"));
  ASSERT_TRUE(site.other.paused_groups.Resume(kGroup, UnixTime()).value());
  site.TurnFor(6s);
  ExpectRecorded(site, kB, 2);
}

TEST(RecordKeeperTest, ManyGroupsAreComparedInSeveralTurns) {
  const CapturedLog log;
  KeeperSite site;
  for (int group = 0; group < 120; ++group)
    ASSERT_TRUE(site.other_session->Create(fmt::format("/redis/masters/g{:03}", group), "",
                                           zookeeper::Lifetime::kPersistent));
  site.time.Advance(10s);
  const int calls = site.network.calls();
  site.Turn();
  EXPECT_TRUE(site.keeper.has_doubts());
  site.Turn();
  EXPECT_TRUE(site.keeper.has_doubts());
  site.Turn();
  EXPECT_FALSE(site.keeper.has_doubts());
  EXPECT_EQ(site.network.calls(), calls + 3) << "all Sentinels at once, about 50 groups each time";
  EXPECT_THAT(log.text(), Not(HasSubstr("keeping the record"))) << "none of these groups exists";
}

TEST(RecordKeeperTest, MissedEventsMakeItCompareAllAtOnce) {
  KeeperSite site;
  site.FailOver(kB, 2);
  site.Turn();
  ExpectRecorded(site, kA, 1);
  site.keeper.DoubtAll();
  site.Turn();
  ExpectRecorded(site, kB, 2);
}

}  // namespace
}  // namespace redis_zk::testing::record_keeper_test
