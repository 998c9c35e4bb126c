#include "redis-wrapper/copy_guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "unit/serving_fixture.h"

namespace redis_zk::testing::copy_guard_test {
namespace {

using redis_wrapper::DecideGuard;
using redis_wrapper::GuardAction;
using redis_wrapper::GuardView;
using Master = GuardView::Master;

const Endpoint kForeign{"10.0.0.66", 6379};

struct Row {
  const char* name;
  GuardView view;
  GuardAction expected;
};

TEST(CopyGuardDecisionTest, WhatAServerThatWasMadeAReplicaIsToDo) {
  for (const auto& row : {
           Row{"its own group's master", {.master = Master::kOurs}, GuardAction::kTrust},
           Row{"the same, of the recorded master",
               {.master = Master::kOurs, .is_recorded = true, .confirmed = true},
               GuardAction::kTrust},
           Row{"a foreign one, and this node is the master",
               {.master = Master::kForeign, .is_recorded = true, .confirmed = true},
               GuardAction::kPromote},
           Row{"the same, and nobody confirms it now",
               {.master = Master::kForeign, .is_recorded = true},
               GuardAction::kWait},
           Row{"the same, and it has been copied",
               {.master = Master::kForeign, .link_up = true, .is_recorded = true, .confirmed = true},
               GuardAction::kLost},
           Row{"a foreign one, and the group has another master",
               {.master = Master::kForeign, .another_is_recorded = true},
               GuardAction::kRedirect},
           Row{"the same, copied: our data are there",
               {.master = Master::kForeign, .link_up = true, .another_is_recorded = true},
               GuardAction::kRedirect},
           Row{"a foreign one, and no master is recorded", {.master = Master::kForeign}, GuardAction::kWait},
           Row{"one that says nothing and that nobody names, and this node is the master",
               {.master = Master::kUnnamed, .is_recorded = true, .confirmed = true},
               GuardAction::kPromote},
           Row{"the same, and another is the master",
               {.master = Master::kUnnamed, .another_is_recorded = true},
               GuardAction::kRedirect},
           Row{"one that nobody names, copied: whose data these are is not known",
               {.master = Master::kUnnamed, .link_up = true, .is_recorded = true, .confirmed = true},
               GuardAction::kWait},
           Row{"one of which nothing is known",
               {.master = Master::kUnknown, .is_recorded = true, .confirmed = true},
               GuardAction::kWait},
       })
    EXPECT_EQ(DecideGuard(row.view), row.expected) << row.name;
}

class CopyGuardTest : public ServingTest {
 protected:
  // As a Sentinel orders it that takes this address for another group's replica.
  static void Demote(WrapperSite& site, const Endpoint& master) {
    auto& own = site.own();
    own.role = redis::Role::kReplica;
    own.master = master;
    own.link_up = own.config.at("masterauth").empty() && site.fleet.has_redis(master);
    if (own.link_up) own.replication_id = site.fleet.redis(master).replication_id;
  }
  static FakeFleet::Redis& AddForeign(WrapperSite& site) {
    auto& foreign = site.fleet.AddMaster(kForeign);
    foreign.replication_id = std::string(40, 'f');
    return foreign;
  }
};

TEST_F(CopyGuardTest, AMasterThatAForeignOneIsToReplaceStaysWhatItIs) {
  WrapperSite site;
  BeginAsMaster(site);
  AddForeign(site);
  std::string id;
  site.After(kServes + 5s, [&] {
    id = site.own().replication_id;
    Demote(site, kForeign);
    EXPECT_FALSE(site.own().link_up) << "it was refused there";
  });
  RunAndLook(site, signals(), [&] {
    EXPECT_EQ(site.own().role, redis::Role::kMaster);
    EXPECT_EQ(site.own().previous_replication_id, id) << "the same data";
    EXPECT_EQ(site.Record().master, site.self);
    EXPECT_EQ(Orders(site, "REPLICAOF NO ONE"), 1);
  });
}

// Before anything tells what the data of the group are called.
TEST_F(CopyGuardTest, AnOrderBeforeTheFirstRecordIsTakenBack) {
  WrapperSite site;
  AddForeign(site);
  bool ordered = false;
  RunAndLook(
      site, signals(),
      [&] {
        EXPECT_EQ(site.own().role, redis::Role::kMaster);
        EXPECT_NE(site.own().replication_id, site.fleet.redis(kForeign).replication_id);
        EXPECT_EQ(Orders(site, "REPLICAOF NO ONE"), 1);
      },
      [&] {
        site.session->BeforeEvery(FailingSession::Call::kCommit, [&] {
          if (ordered || !site.fleet.has_redis(site.self)) return;
          ordered = true;
          Demote(site, kForeign);
          EXPECT_FALSE(site.own().link_up) << "it was refused there";
        });
      });
  EXPECT_TRUE(ordered);
}

TEST_F(CopyGuardTest, TheSameWhereTheForeignOneAsksForAPassword) {
  WrapperSite site;
  BeginAsMaster(site);
  AddForeign(site).refusal = "NOAUTH Authentication required.";
  site.After(kServes + 5s, [&] { Demote(site, kForeign); });
  RunAndLook(site, signals(), [&] {
    EXPECT_EQ(site.own().role, redis::Role::kMaster);
    EXPECT_EQ(Orders(site, "REPLICAOF NO ONE"), 1);
  });
}

TEST_F(CopyGuardTest, OneOutsideTheTrustedNetworksGetsNoPassword) {
  const CapturedLog log;
  WrapperSite site;
  site.options.common.credentials.redis = {
      {"", "secret"}, std::make_shared<redis::Trust>(Networks::Parse("127.0.0.0/8,10.0.0.2").value())};
  BeginAsReplica(site);
  site.After(kServes, [&] {
    auto& outside = site.fleet.AddMaster(kForeign);
    outside.replication_id = site.fleet.redis(kB).replication_id;
    outside.refusal = "NOAUTH Authentication required.";
    site.RegisterMember(kForeign);
    FailOverTo(site, kB);
    site.WriteRecord(kForeign, 3);
    Demote(site, kForeign);
  });
  RunAndLook(site, signals(), [&] {
    EXPECT_NE(site.own().config.at("masterauth"), "");
    EXPECT_FALSE(site.own().link_up && site.own().master == kForeign);
  });
  EXPECT_THAT(log.text(), ::testing::HasSubstr("not following 10.0.0.66:6379"));
}

TEST_F(CopyGuardTest, OneOutsideTheTrustedNetworksIsLeftBeforeThePasswordIsSet) {
  WrapperSite site;
  site.options.common.credentials.redis = {
      {"", "secret"}, std::make_shared<redis::Trust>(Networks::Parse("127.0.0.0/8,10.0.0.2").value())};
  BeginAsReplica(site);
  AddForeign(site);
  site.After(kServes, [&] {
    site.fleet.orders.clear();
    Demote(site, kForeign);
  });
  RunAndLook(site, signals(), [&] {
    const auto& orders = site.fleet.orders;
    const auto find = [&](const std::string& order) {
      return std::find(orders.begin(), orders.end(), site.self.ToAddress() + ' ' + order) - orders.begin();
    };
    const auto opened = find("CONFIG SET masterauth ");
    ASSERT_LT(opened, std::ssize(orders));
    EXPECT_LT(find("REPLICAOF 10.0.0.2 6379"), opened);
  });
}

TEST_F(CopyGuardTest, AReplicaGoesBackToItsGroupsMaster) {
  WrapperSite site;
  BeginAsReplica(site);
  AddForeign(site);
  site.After(kServes, [&] { Demote(site, kForeign); });
  RunAndLook(site, signals(), [&] {
    EXPECT_EQ(site.own().role, redis::Role::kReplica);
    EXPECT_EQ(site.own().master, kB);
    EXPECT_TRUE(site.own().link_up);
    EXPECT_NE(site.own().config.at("masterauth"), "") << "the next one is judged as well";
  });
}

TEST_F(CopyGuardTest, AReplicaCopiesNobodyAtTheAddressOfItsDeadMaster) {
  WrapperSite site;
  BeginAsReplica(site);
  std::string id;
  site.After(kServes, [&] {
    id = site.own().replication_id;
    // At once, as schedulers do it. Redis connects again every second.
    site.fleet.redis(kB) = {};
    site.fleet.redis(kB).replication_id = std::string(40, 'f');
    site.own().link_up = site.own().config.at("masterauth").empty();
    EXPECT_FALSE(site.own().link_up) << "it was refused there";
  });
  site.LookAfter(kServes + 5s, [&] {
    EXPECT_EQ(site.own().replication_id, id);
    EXPECT_NE(site.own().config.at("masterauth"), "");
    EXPECT_EQ(site.own().config.at("replica-priority"), "100") << "it may be promoted";
  });
  site.Run(signals());
  EXPECT_TRUE(site.looked);
}

TEST_F(CopyGuardTest, AReplicaWhoseLinkBreaksIsLinkedAgain) {
  WrapperSite site;
  BeginAsReplica(site);
  site.After(kServes, [&] { site.own().link_up = false; });
  site.LookAfter(kServes + 3s, [&] { EXPECT_TRUE(site.own().link_up); });
  site.Run(signals());
  EXPECT_TRUE(site.looked);
}

TEST_F(CopyGuardTest, AReplicaWithAForeignCopyIsNotPromotable) {
  WrapperSite site;
  BeginAsReplica(site);
  AddForeign(site);
  site.After(kServes, [&] {
    EXPECT_EQ(site.own().config.at("replica-priority"), "100");
    // It could not be kept from copying, and cannot be led back.
    site.own().config.at("masterauth") = "";
    site.own().forbidden = {{"CONFIG", "SET", "masterauth"}, {"REPLICAOF"}};
    Demote(site, kForeign);
    EXPECT_TRUE(site.own().link_up);
  });
  RunAndLook(site, signals(), [&] {
    EXPECT_EQ(site.own().master, kForeign);
    EXPECT_EQ(site.own().config.at("replica-priority"), "0");
    const auto member = site.MemberAt(site.self);
    ASSERT_TRUE(member);
    EXPECT_TRUE(member->incomplete);
  });
}

TEST_F(CopyGuardTest, WhoIsRegisteredInAnotherGroupIsForeignAtOnce) {
  WrapperSite site;
  BeginAsMaster(site);
  // It loads, and says nothing of its data yet.
  AddForeign(site).state = FakeFleet::State::kSilent;
  site.After(kServes + 5s, [&] {
    ASSERT_TRUE(site.other.groups.Ensure("theirs"));
    ASSERT_TRUE(site.other.members.Register("theirs", {.uuid = "x", .endpoint = kForeign, .node = "x"}));
    // No Sentinel says who the master is.
    site.fleet.sentinel(kSentinel).state = FakeFleet::State::kGone;
    Demote(site, kForeign);
  });
  site.LookAfter(kServes + 8s, [&] { EXPECT_EQ(site.own().role, redis::Role::kMaster); });
  site.Run(signals());
  EXPECT_TRUE(site.looked);
}

TEST_F(CopyGuardTest, WithoutZooKeeperAMasterKnowsItsLineage) {
  WrapperSite site;
  BeginAsMaster(site);
  AddForeign(site);
  site.After(kServes + 5s, [&] {
    site.zookeeper.Stop();
    Demote(site, kForeign);
  });
  site.LookAfter(kServes + 8s, [&] {
    EXPECT_EQ(site.own().role, redis::Role::kMaster);
    site.zookeeper.Start();
  });
  site.Run(signals());
  EXPECT_TRUE(site.looked);
}

TEST_F(CopyGuardTest, WhatAUserSetsOnAMasterIsClosedAgainAndGivenBack) {
  WrapperSite site;
  BeginAsMaster(site);
  AddForeign(site);
  site.After(kServes + 1s, [&] { site.own().config.at("masterauth") = "the user's"; });
  site.After(kServes + 4s, [&] { EXPECT_NE(site.own().config.at("masterauth"), "the user's"); });
  site.After(kServes + 5s, [&] {
    FailOverTo(site, kB);
    Demote(site, kB);
  });
  RunAndLook(site, signals(), [&] { EXPECT_EQ(site.own().config.at("masterauth"), "the user's"); });
}

TEST_F(CopyGuardTest, AMasterThatWasSucceededGetsItsPasswordBack) {
  WrapperSite site;
  BeginAsMaster(site);
  site.After(kServes + 1s, [&] {
    EXPECT_NE(site.own().config.at("masterauth"), "");
    FailOverTo(site, kB);
    Demote(site, kB);
    EXPECT_FALSE(site.own().link_up);
  });
  RunAndLook(site, signals(), [&] {
    EXPECT_EQ(site.own().role, redis::Role::kReplica);
    EXPECT_EQ(site.own().master, kB);
    EXPECT_TRUE(site.own().link_up) << "it got its password for that";
    EXPECT_EQ(Orders(site, "REPLICAOF NO ONE"), 0);
  });
}

}  // namespace
}  // namespace redis_zk::testing::copy_guard_test
