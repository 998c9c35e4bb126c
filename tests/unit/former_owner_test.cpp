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
  theirs.replicas.clear();
  theirs.master = site.self;
  site.After(15s, [&] {
    EXPECT_FALSE(Serves(site));
    theirs.master = kTheirMaster;
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
