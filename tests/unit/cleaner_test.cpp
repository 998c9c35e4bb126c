// The cleaner resets one Sentinel at a time, and none at the wrong time.
#include "watcher/cleaner.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>

#include "unit/cleaner_fixture.h"
#include "unit/log_fixture.h"

namespace redis_zk::testing::cleaner_test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using watcher::CleanUpMode;
using zookeeper::Watch;

TEST(CleanerTest, DoesNothingWhereNothingIsStale) {
  CleanerSite site;
  site.TurnFor(60s);
  EXPECT_THAT(site.fleet.orders, IsEmpty());
  EXPECT_TRUE(site.HoldsLock());
  EXPECT_THAT(*site.recent.history().Get(), IsEmpty());
}

TEST(CleanerTest, DoesNothingAtAllWhereItIsOff) {
  CleanerSite site(CleanUpMode::kOff);
  site.AddGoneSentinel();
  const int calls = site.session.calls() + site.network.calls();
  site.TurnFor(60s);
  EXPECT_EQ(site.session.calls() + site.network.calls(), calls);
}

TEST(CleanerTest, ResetsOneSentinelAfterTheOtherAndVerifiesEach) {
  const CapturedLog log;
  CleanerSite site;
  site.AddGoneSentinel();
  site.AddGoneReplica();
  site.TurnFor(9s);
  EXPECT_EQ(site.Resets(), 0) << "they may return";
  EXPECT_TRUE(site.TurnUntil([&] { return !site.IsHaunted(); }, 120s));
  site.TurnFor(60s);
  EXPECT_EQ(site.Resets(), 3);
  for (const int number : {1, 2, 3}) EXPECT_FALSE(site.IsBlind(number)) << number;
  EXPECT_THAT(log.text(), HasSubstr("this watcher cleans up from now on: it holds the lock"));
  EXPECT_THAT(log.text(), HasSubstr("clean-up: SENTINEL RESET of Sentinel 10.0.0.1:26379, which lists the "
                                    "stale Sentinel 10.0.0.4:26379, replica 10.0.0.9:6379"));
  EXPECT_THAT(log.text(), HasSubstr("clean-up verified: Sentinel 10.0.0.1:26379 has found all others again"));
  EXPECT_THAT(*site.recent.history().Get(), SizeIs(3));
}

TEST(CleanerTest, WhicheverCallFailsOneSentinelAtATimeIsResetAndTheGroupIsCleanInTheEnd) {
  for (const bool at_zookeeper : {true, false}) {
    SCOPED_TRACE(at_zookeeper ? "at ZooKeeper" : "at the servers");
    AtEveryCall([at_zookeeper](int number, Fault fault) {
      CleanerSite site;
      site.AddGoneSentinel();
      // The next step is the first that resets.
      site.TurnFor(10s);
      EXPECT_EQ(site.Resets(), 0);
      if (at_zookeeper) {
        site.session.FailCall(number, fault);
      } else {
        site.network.FailCall(number, fault);
      }
      site.TurnFor(9s);
      const bool happened = site.session.faults() + site.network.faults() > 0;
      site.session.Heal();
      site.network.Heal();
      EXPECT_TRUE(site.TurnUntil([&] { return !site.IsHaunted(2) && !site.IsHaunted(3); }, 400s));
      // A Sentinel that may have been reset is not reset again for a day.
      if (site.IsHaunted(1)) {
        EXPECT_EQ(fault, Fault::kBefore);
        site.time.Advance(24h);
      }
      EXPECT_TRUE(site.TurnUntil([&] { return !site.IsHaunted(); }, 400s));
      EXPECT_LE(site.Resets(), 4);
      return happened;
    });
  }
}

TEST(CleanerTest, ASentinelThatDoesNotFindEveryoneAgainEndsItForAWhile) {
  const CapturedLog log;
  CleanerSite site;
  site.AddGoneSentinel();
  // It asks the master for its replicas too late.
  site.fleet.sentinel(SentinelAt(1)).info_period = 40s;
  EXPECT_TRUE(site.TurnUntil([&] { return site.Resets() == 1; }, 30s));
  site.TurnFor(31s);
  EXPECT_THAT(log.text(),
              HasSubstr("clean-up paused for 5 min: SENTINEL RESET could not be verified: "
                        "Sentinel 10.0.0.1:26379 has not found replica 10.0.0.2:6379 again 30 s"));
  site.TurnFor(290s);
  EXPECT_EQ(site.Resets(), 1);
  EXPECT_THAT(log.text(), HasSubstr("clean-up blocked: the last SENTINEL RESET could not be verified"));
  EXPECT_TRUE(site.TurnUntil([&] { return !site.IsHaunted(); }, 120s));
}

TEST(CleanerTest, ResetsNoSentinelWhileTheMasterIsDown) {
  const CapturedLog log;
  CleanerSite site;
  site.AddGoneSentinel();
  site.fleet.redis(kA).state = FakeFleet::State::kGone;
  site.TurnFor(60s);
  EXPECT_EQ(site.Resets(), 0);
  EXPECT_THAT(log.text(),
              HasSubstr("clean-up blocked: the recorded master 10.0.0.1:6379 does not answer; pending: "));
  site.fleet.redis(kA).state = FakeFleet::State::kAnswers;
  EXPECT_TRUE(site.TurnUntil([&] { return !site.IsHaunted(); }, 120s));
}

TEST(CleanerTest, AMasterThatGoesDownDuringAStepIsNotFollowedByAnotherReset) {
  CleanerSite site;
  site.AddGoneSentinel();
  site.TurnFor(10s);
  bool seen = false;
  site.servers.before = [&] {
    seen = true;
    site.fleet.redis(kA).state = FakeFleet::State::kGone;
  };
  site.TurnFor(60s);
  EXPECT_TRUE(seen);
  EXPECT_EQ(site.Resets(), 0);
}

TEST(CleanerTest, ResetsNoSentinelWhileAnotherWatcherHasTheLock) {
  const CapturedLog log;
  CleanerSite site;
  site.AddGoneSentinel();
  zookeeper::Lock theirs(*site.other_session, site.other.clean_up.LockPath(), "another watcher");
  ASSERT_TRUE(theirs.Acquire().value());
  site.TurnFor(60s);
  EXPECT_EQ(site.Resets(), 0);
  EXPECT_THAT(log.text(), Not(HasSubstr("this watcher cleans up from now on")));
  ASSERT_TRUE(theirs.Release());
  const TimePoint released_at = Clock::now();
  EXPECT_TRUE(site.TurnUntil([&] { return site.Resets() > 0; }, 60s));
  EXPECT_GE(Clock::now() - released_at, site.options.clean_up_patience)
      << "what another watcher has seen is no sighting of ours";
}

TEST(CleanerTest, WhatWasSeenBeforeTheLockWasLostIsForgotten) {
  CleanerSite site;
  site.AddGoneSentinel();
  site.TurnFor(9s);
  site.zookeeper.Expire(site.session.id());
  zookeeper::Lock theirs(*site.other_session, site.other.clean_up.LockPath(), "another watcher");
  ASSERT_TRUE(theirs.Acquire().value());
  site.TurnFor(10s);
  ASSERT_TRUE(theirs.Release());
  site.TurnFor(9s);
  EXPECT_EQ(site.Resets(), 0);
  EXPECT_TRUE(site.TurnUntil([&] { return !site.IsHaunted(); }, 120s));
}

TEST(CleanerTest, ALockThatIsLostWhileTheServersAreAskedEndsTheStep) {
  CleanerSite site;
  site.AddGoneSentinel();
  site.TurnFor(9s);
  zookeeper::Lock theirs(*site.other_session, site.other.clean_up.LockPath(), "another watcher");
  site.servers.before = [&] {
    if (!theirs.node().empty()) return;
    site.zookeeper.Expire(site.session.id());
    EXPECT_TRUE(theirs.Acquire().value());
    site.session.Maintain(Clock::now());
  };
  site.TurnFor(60s);
  EXPECT_FALSE(theirs.node().empty());
  EXPECT_EQ(site.Resets(), 0);
}

TEST(CleanerTest, ALockThatIsLostDuringAStepEndsItWhicheverCallThatIs) {
  AtEveryCall([](int number, Fault fault) {
    CleanerSite site;
    site.AddGoneSentinel();
    site.TurnFor(10s);
    zookeeper::Lock theirs(*site.other_session, site.other.clean_up.LockPath(), "another watcher");
    std::optional<int> resets;
    site.session.FailCall(number, fault, [&] {
      site.zookeeper.Expire(site.session.id());
      EXPECT_TRUE(theirs.Acquire().value());
      resets = site.Resets();
    });
    site.TurnFor(60s);
    if (resets) {
      EXPECT_EQ(site.Resets(), *resets);
    }
    return resets.has_value() && number < 40;
  });
}

TEST(CleanerTest, BeginsNothingWhilePausedAndSeesToTheEndWhatItHasBegun) {
  const CapturedLog log;
  CleanerSite site;
  site.AddGoneSentinel();
  site.paused = true;
  site.TurnFor(60s);
  EXPECT_EQ(site.Resets(), 0);
  site.paused = false;
  EXPECT_TRUE(site.TurnUntil([&] { return site.Resets() == 1; }, 60s));
  site.paused = true;
  site.TurnFor(60s);
  EXPECT_EQ(site.Resets(), 1);
  EXPECT_THAT(log.text(), HasSubstr("clean-up verified: Sentinel 10.0.0.1:26379 has found all others again"));
  site.paused = false;
  EXPECT_TRUE(site.TurnUntil([&] { return !site.IsHaunted(); }, 120s));
}

TEST(CleanerTest, OnlyNamesWhatItWouldDoWhereItObserves) {
  const CapturedLog log;
  CleanerSite site(CleanUpMode::kObserve);
  site.AddGoneSentinel();
  ASSERT_TRUE(
      site.other.datasets.Report(kGroup, {.node = "old", .endpoint = kGone, .dataset = {.bytes = 1}}));
  site.zookeeper.Advance(25h);
  site.TurnFor(60s);
  EXPECT_THAT(site.fleet.orders, IsEmpty());
  EXPECT_THAT(log.text(), HasSubstr("CLEANUP=observe, skipped: SENTINEL RESET of Sentinel 10.0.0.1:26379"));
  EXPECT_THAT(site.other_session->Children("/redis/cleanup", Watch::kNo).value(), IsEmpty())
      << "those who act must get the lock";
  EXPECT_THAT(site.other.datasets.List(kGroup).value(), SizeIs(1));
}

TEST(CleanerTest, GivesUpWhereTheGroupOrTheSentinelIsDeletedMeanwhile) {
  for (const bool group : {true, false}) {
    const CapturedLog log;
    CleanerSite site;
    site.AddGoneSentinel();
    site.group_names.push_back("second");
    ASSERT_TRUE(site.other.groups.Ensure("second"));
    ASSERT_TRUE(site.TurnUntil([&] { return site.Resets() == 1; }, 60s));
    if (group) {
      site.group_names.erase(site.group_names.begin());
    } else {
      ASSERT_TRUE(site.other.sentinels.Unregister(UuidOf(1)));
    }
    site.TurnFor(10s);
    EXPECT_THAT(log.text(), HasSubstr(group ? "could not be verified: the group was deleted"
                                            : "could not be verified: Sentinel 10.0.0.1:26379 is no longer"));
    EXPECT_EQ(site.Resets(), 1);
  }
}

TEST(CleanerTest, AResetWhoseAnswerIsLostEndsItForAWhile) {
  const CapturedLog log;
  CleanerSite site;
  site.AddGoneSentinel();
  site.TurnFor(10s);
  // The order is the last question of its step.
  int asked = 0;
  site.servers.before = [&] {
    if (asked++ == 0) site.network.FailCall(1, Fault::kAfter);
  };
  site.TurnFor(60s);
  EXPECT_EQ(site.Resets(), 1);
  EXPECT_THAT(log.text(), HasSubstr("SENTINEL RESET could not be verified: no answer in time"));
}

TEST(CleanerTest, WhatBlocksItIsSaidOnceUntilItIsOver) {
  const CapturedLog log;
  CleanerSite site;
  site.AddGoneSentinel();
  site.fleet.redis(kC).link_up = false;
  site.TurnFor(60s);
  EXPECT_EQ(site.Resets(), 0);
  const std::string text = log.text();
  const std::string blocked = "clean-up blocked: replica 10.0.0.3:6379 is not attached to the master";
  ASSERT_THAT(text, HasSubstr(blocked));
  EXPECT_EQ(text.find(blocked), text.rfind(blocked)) << text;
}

// The Sentinels list the address of a node of the group `second`; the observer has seen it.
void ListForeign(CleanerSite& site) {
  site.AddGoneReplica();
  ASSERT_TRUE(site.other.groups.Ensure("second"));
  ASSERT_TRUE(site.other.members.Register("second", {.uuid = "x", .endpoint = kGone, .node = "x"}));
  site.group_names.push_back("second");
  site.observed.emplace();
  auto& sentinel = site.observed->groups[kGroup].sentinels.emplace_back();
  sentinel.replicas.push_back({.endpoint = kGone, .down = true});
}

TEST(CleanerTest, AForeignEntryInOneOfManyGroupsIsRemovedWithinSeconds) {
  CleanerSite site;
  ListForeign(site);
  for (int number = 0; number < 300; ++number) {
    site.group_names.push_back(fmt::format("group{}", number));
    ASSERT_TRUE(site.other.groups.Ensure(site.group_names.back()));
  }
  EXPECT_TRUE(site.TurnUntil([&] { return !site.IsHaunted(); }, 60s));
}

TEST(CleanerTest, AForeignEntryThatCannotBeRemovedIsToldAndLookedAtMoreAndMoreSeldom) {
  CleanerSite site;
  ListForeign(site);
  site.fleet.redis(kC).link_up = false;
  site.TurnFor(60s);
  EXPECT_EQ(site.Resets(), 0);
  ASSERT_TRUE(site.cleaner->blocked().contains(kGroup));
  EXPECT_THAT(site.cleaner->blocked().at(kGroup), HasSubstr("10.0.0.9:6379"));
  int looks = 0;
  site.servers.before = [&looks] { ++looks; };
  site.TurnFor(80s);
  EXPECT_LE(looks, 50) << "its own turns included";
  site.servers.before = nullptr;
  site.fleet.redis(kC).link_up = true;
  EXPECT_TRUE(site.TurnUntil([&] { return !site.IsHaunted(); }, 60s));
  EXPECT_TRUE(site.cleaner->blocked().empty());
}

TEST(CleanerTest, ASilentSentinelBlocksIt) {
  CleanerSite site;
  site.AddGoneSentinel();
  site.fleet.sentinel(SentinelAt(3)).state = FakeFleet::State::kSilent;
  site.TurnFor(60s);
  EXPECT_EQ(site.Resets(), 0);
  // One that answers the first question only is silent as well.
  site.fleet.sentinel(SentinelAt(3)).state = FakeFleet::State::kAnswers;
  EXPECT_TRUE(site.TurnUntil([&] { return !site.IsHaunted(); }, 120s));
}

TEST(CleanerTest, WaitsForZooKeeper) {
  CleanerSite site;
  site.AddGoneSentinel();
  site.TurnFor(8s);
  site.zookeeper.Disconnect(site.session.id());
  site.TurnFor(30s);
  EXPECT_EQ(site.Resets(), 0);
  site.zookeeper.Reconnect(site.session.id());
  EXPECT_TRUE(site.TurnUntil([&] { return !site.IsHaunted(); }, 120s));
}

// A replica that the Sentinels list and that is not registered: what answers at its address decides.
TEST(CleanerTest, AnAddressOfAnotherServerIsRemovedWithoutPatienceAndOneOfOursStays) {
  struct Row {
    const char* name;
    std::function<void(CleanerSite&)> prepare;
    bool is_foreign;
  };
  const Endpoint foreign_master{"10.0.0.10", 6379};
  const auto make_foreign = [](CleanerSite& site, const Endpoint& server) {
    site.fleet.redis(server).replication_id = std::string(40, 'f');
  };
  for (const auto& [name, prepare, is_foreign] : std::initializer_list<Row>{
           {"a replica of ours that has lost its registration",
            [](auto& site) { site.fleet.AddReplica(kGone, kA); }, false},
           {"a master with other data",
            [&](auto& site) {
              site.fleet.AddMaster(kGone);
              make_foreign(site, kGone);
            },
            true},
           {"a replica of a master with other data",
            [&](auto& site) {
              site.fleet.AddMaster(foreign_master);
              make_foreign(site, foreign_master);
              site.fleet.AddReplica(kGone, foreign_master);
              make_foreign(site, kGone);
            },
            true},
           {"one that is registered in another group",
            [](auto& site) {
              site.fleet.AddMaster(kGone);
              site.group_names = {kGroup, "another"};
              ASSERT_TRUE(site.other.groups.Ensure("another"));
              ASSERT_TRUE(site.other.members.Register(
                  "another", {.uuid = "u", .endpoint = kGone, .node = "node", .serving = true}));
            },
            true}}) {
    SCOPED_TRACE(name);
    CleanerSite site;
    ASSERT_TRUE(site.other.datasets.WriteHistory(
        kGroup, {.replication_id = site.fleet.redis(kA).replication_id, .offset = 1000}));
    prepare(site);
    for (const int number : {1, 2, 3}) site.Monitored(number).replicas[kGone] = {};
    site.TurnFor(8s);
    EXPECT_EQ(site.Resets() > 0, is_foreign);
    if (is_foreign) {
      EXPECT_TRUE(site.TurnUntil([&] { return !site.IsHaunted(); }, 200s));
    } else {
      site.TurnFor(60s);
      EXPECT_EQ(site.Resets(), 0);
    }
  }
}

TEST(CleanerTest, WhicheverCallFailsAnAddressOfAnotherServerIsRemoved) {
  for (const bool at_zookeeper : {true, false}) {
    SCOPED_TRACE(at_zookeeper ? "at ZooKeeper" : "at the servers");
    AtEveryCall([at_zookeeper](int number, Fault fault) {
      CleanerSite site;
      EXPECT_TRUE(site.other.datasets.WriteHistory(
          kGroup, {.replication_id = site.fleet.redis(kA).replication_id, .offset = 1000}));
      site.fleet.AddMaster(kGone).replication_id = std::string(40, 'f');
      for (const int each : {1, 2, 3}) site.Monitored(each).replicas[kGone] = {};
      if (at_zookeeper) {
        site.session.FailCall(number, fault);
      } else {
        site.network.FailCall(number, fault);
      }
      site.TurnFor(2s);
      const bool happened = site.session.faults() + site.network.faults() > 0;
      site.session.Heal();
      site.network.Heal();
      EXPECT_TRUE(site.TurnUntil([&] { return !site.IsHaunted(2) && !site.IsHaunted(3); }, 400s));
      return happened;
    });
  }
}

}  // namespace
}  // namespace redis_zk::testing::cleaner_test
