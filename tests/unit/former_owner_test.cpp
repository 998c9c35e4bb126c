#include "redis-wrapper/former_owner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/serving_fixture.h"

namespace redis_zk::testing::former_owner_test {
namespace {

const Endpoint kTheirMaster{"10.0.0.60", 6379};
const std::string kTheirs = "theirs";

class FormerOwnerTest : public ServingTest {
 protected:
  // A Sentinel of the same ZooKeeper that monitors another group, and lists this node's address there.
  static FakeFleet::Monitored& ListElsewhere(WrapperSite& site) {
    EXPECT_TRUE(site.other.groups.Ensure(kTheirs));
    site.fleet.AddMaster(kTheirMaster);
    site.AddSentinel(kTheirMaster);
    auto& sentinel = site.fleet.sentinel(kSentinel);
    auto& theirs = sentinel.groups[kTheirs];
    theirs.master = kTheirMaster;
    theirs.replicas[site.self].down = true;
    sentinel.groups.erase(kGroup);
    return theirs;
  }
  // A node of the other group that is registered.
  static void RegisterTheirs(WrapperSite& site) {
    EXPECT_TRUE(site.other.groups.Ensure(kTheirs));
    EXPECT_TRUE(site.other.members.Register(
        kTheirs, {.uuid = "theirs", .endpoint = kTheirMaster, .node = "theirs", .serving = true}));
  }
  static void RecordTheirs(WrapperSite& site, const Endpoint& master, std::uint64_t epoch) {
    EXPECT_TRUE(site.other.groups.Ensure(kTheirs));
    const auto now = site.other.records.Read(kTheirs, zookeeper::Watch::kNo);
    ASSERT_TRUE(now);
    ASSERT_TRUE(
        site.other.records.Write(kTheirs, *now, {.master = master, .epoch = epoch, .reason = "test"}, ""));
  }
  static bool Serves(WrapperSite& site) {
    const auto self = site.MemberAt(site.self);
    return self && self->serving;
  }
};

TEST_F(FormerOwnerTest, ServesOnlyWhenTheSentinelsHaveForgottenItsAddress) {
  WrapperSite site;
  auto& theirs = ListElsewhere(site);
  site.After(15s, [&] {
    EXPECT_TRUE(site.MemberAt(site.self)) << "by which a watcher knows whose the address is";
    EXPECT_FALSE(Serves(site));
    theirs.replicas.clear();
  });
  RunAndLook(site, signals(), [&] { EXPECT_TRUE(Serves(site)); });
}

TEST_F(FormerOwnerTest, WaitsForTheFailoverOfTheGroupWhoseMasterHadTheAddress) {
  WrapperSite site;
  auto& theirs = ListElsewhere(site);
  RegisterTheirs(site);
  theirs.replicas.clear();
  theirs.master = site.self;
  site.After(15s, [&] {
    EXPECT_FALSE(Serves(site));
    theirs.master = kTheirMaster;
  });
  RunAndLook(site, signals(), [&] { EXPECT_TRUE(Serves(site)); });
}

TEST_F(FormerOwnerTest, TheRecordAloneSaysSoWhereNoSentinelLives) {
  WrapperSite site;
  RegisterTheirs(site);
  RecordTheirs(site, site.self, 1);
  site.After(15s, [&] {
    EXPECT_FALSE(Serves(site));
    RecordTheirs(site, kTheirMaster, 2);
  });
  RunAndLook(site, signals(), [&] { EXPECT_TRUE(Serves(site)); });
}

TEST_F(FormerOwnerTest, WaitsForAGroupWithoutALivingNodeNoLongerThanASession) {
  for (const bool sentinel_lists_it : {false, true}) {
    WrapperSite site;
    const CapturedLog log;
    RecordTheirs(site, site.self, 1);
    if (sentinel_lists_it) {
      auto& theirs = ListElsewhere(site);
      theirs.master = site.self;
      theirs.master_down = true;
      theirs.replicas = {{kTheirMaster, {.down = true}}};
    }
    const Duration session = site.options.common.zk_session_timeout;
    site.After(session - 1s, [&] { EXPECT_FALSE(Serves(site)) << "its nodes may be starting"; });
    site.LookAfter(session + 4s, [&] { EXPECT_TRUE(Serves(site)); });
    site.Run(signals());
    EXPECT_TRUE(site.looked);
    EXPECT_THAT(log.text(), ::testing::HasSubstr("serving, although the record lists the address " +
                                                 site.self.ToAddress() + " as the master of group theirs"));
  }
}

TEST_F(FormerOwnerTest, ANodeThatReturnsMeanwhileMakesTheGroupALivingOne) {
  WrapperSite site;
  RecordTheirs(site, site.self, 1);
  site.After(1s, [&] { RegisterTheirs(site); });
  site.After(15s, [&] {
    EXPECT_FALSE(Serves(site));
    RecordTheirs(site, kTheirMaster, 2);
  });
  RunAndLook(site, signals(), [&] { EXPECT_TRUE(Serves(site)); });
}

TEST_F(FormerOwnerTest, ALivingServerThatLostZooKeeperIsOfALivingGroup) {
  WrapperSite site;
  auto& theirs = ListElsewhere(site);
  theirs.master = site.self;
  theirs.master_down = true;
  theirs.replicas = {{kTheirMaster, {}}};
  site.After(15s, [&] {
    EXPECT_FALSE(Serves(site));
    theirs.master = kTheirMaster;
    theirs.replicas.clear();
  });
  RunAndLook(site, signals(), [&] { EXPECT_TRUE(Serves(site)); });
}

TEST_F(FormerOwnerTest, LooksAgainWhenSentinelsStartMeanwhile) {
  WrapperSite site;
  // It waits for its own group, and the Sentinels were down when it looked first.
  site.WriteRecord(kB);
  site.RegisterMember(kB);
  auto& theirs = ListElsewhere(site);
  auto& sentinel = site.fleet.sentinel(kSentinel);
  sentinel.state = FakeFleet::State::kGone;
  site.After(5s, [&] { sentinel.state = FakeFleet::State::kAnswers; });
  site.After(8s, [&] { site.AddRecordedMaster(kB); });
  site.After(12s, [&] {
    EXPECT_FALSE(Serves(site));
    theirs.replicas.clear();
  });
  RunAndLook(site, signals(), [&] { EXPECT_TRUE(Serves(site)); });
}

TEST_F(FormerOwnerTest, ServesAfterAWhileWithAnError) {
  WrapperSite site;
  const CapturedLog log;
  ListElsewhere(site);
  site.After(redis_wrapper::kForgottenWithin, [&] { EXPECT_FALSE(Serves(site)); });
  site.LookAfter(redis_wrapper::kForgottenWithin + 15s, [&] { EXPECT_TRUE(Serves(site)); });
  site.Run(signals());
  EXPECT_TRUE(site.looked);
  EXPECT_THAT(log.text(), ::testing::HasSubstr("lists the address " + site.self.ToAddress() +
                                               " as a replica of group theirs"));
}

}  // namespace
}  // namespace redis_zk::testing::former_owner_test
