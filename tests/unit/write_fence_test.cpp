// The fence at a server, and at peers, that answer, refuse, or whose answers are lost.
#include "redis-wrapper/write_fence.h"

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <vector>

#include "support/failing_network.h"
#include "support/fake_fleet.h"
#include "support/fault_site.h"
#include "unit/log_fixture.h"

namespace redis_zk::testing::write_fence_test {
namespace {

using redis_wrapper::WrapperOptions;
using redis_wrapper::WriteFence;
using ::testing::HasSubstr;
using ::testing::Not;

const Endpoint kSelf{"10.0.0.1", 6379};
const Endpoint kReplica{"10.0.0.2", 6379};
const Endpoint kSentinel{"10.0.0.7", 26379};

// A master with a replica and a Sentinel, and what its wrapper does once a second.
struct FenceSite {
  FenceSite() {
    options.common.master_name = "master1";
    options.server.announce = kSelf;
    options.fence_patience = 2s;
    fleet.AddMaster(kSelf);
    fleet.AddReplica(kReplica, kSelf);
    fleet.AddSentinel(kSentinel, "master1", kSelf);
    Restart();
  }

  // As after a kill of the wrapper.
  void Restart() { fence = std::make_unique<WriteFence>(options, network.network(), *own); }

  void Check(bool zookeeper) {
    time.Advance(1s);
    auto info = fleet.network().redis.AskInfo(kSelf);
    if (!info) return;
    info->replicas.insert(info->replicas.end(), attached.begin(), attached.end());
    fence->Check(*info, {.confirms = zookeeper}, known_sentinels, known_replicas);
  }
  void CheckFor(Duration duration, bool zookeeper) {
    for (const TimePoint end = Clock::now() + duration; Clock::now() < end;) Check(zookeeper);
  }
  void CutOff() {
    fleet.redis(kReplica).state = FakeFleet::State::kGone;
    fleet.sentinel(kSentinel).state = FakeFleet::State::kGone;
  }
  std::string Set(const std::string& name) { return fleet.redis(kSelf).config.at(name); }
  bool Raised() { return Set("min-replicas-to-write") == "65535"; }

  FakeTime time;
  FakeFleet fleet{time};
  FailingNetwork network{fleet.network()};
  WrapperOptions options;
  std::unique_ptr<redis::KeptServer> own = network.network().redis.Keep(kSelf);
  std::unique_ptr<WriteFence> fence;
  // As they were registered when ZooKeeper answered last.
  std::vector<sentinel::Peer> known_sentinels{{kSentinel, ""}};
  std::vector<Endpoint> known_replicas{kReplica};
  std::vector<redis::ReplicaOf> attached;  // beside those that answer
};

TEST(WriteFenceTest, IsRaisedAfterPatienceAndTheUsersSettingsComeBack) {
  FenceSite site;
  site.fleet.redis(kSelf).config["min-replicas-to-write"] = "1";
  site.fleet.redis(kSelf).config["min-replicas-max-lag"] = "5";
  site.CheckFor(3s, true);
  site.CutOff();
  site.CheckFor(10s, true);
  EXPECT_FALSE(site.Raised()) << "ZooKeeper confirms";
  site.Check(false);
  EXPECT_FALSE(site.Raised()) << "patience";
  EXPECT_TRUE(site.fence->alone());
  site.CheckFor(3s, false);
  EXPECT_TRUE(site.Raised());
  EXPECT_EQ(site.Set("min-replicas-max-lag"), "5");
  site.Check(true);
  EXPECT_EQ(site.Set("min-replicas-to-write"), "1");
  EXPECT_EQ(site.Set("min-replicas-max-lag"), "5");
}

TEST(WriteFenceTest, WorksWhereTheUserAllowsAnyLag) {
  FenceSite site;
  site.fleet.redis(kSelf).config["min-replicas-max-lag"] = "0";
  site.CutOff();
  site.CheckFor(5s, false);
  EXPECT_TRUE(site.Raised());
  EXPECT_EQ(site.Set("min-replicas-max-lag"), "10") << "with 0, Redis does not count replicas at all";
  site.Check(true);
  EXPECT_EQ(site.Set("min-replicas-max-lag"), "0");
}

TEST(WriteFenceTest, MostOfThePeersAreEnough) {
  struct Row {
    const char* name;
    std::function<void(FenceSite&)> change;
    bool raised;
  };
  for (const auto& [name, change, raised] : std::initializer_list<Row>{
           {"both", [](auto&) {}, false},
           {"one of two", [](auto& s) { s.fleet.redis(kReplica).state = FakeFleet::State::kGone; }, true},
           {"the Sentinel follows another",
            [](auto& s) { s.fleet.sentinel(kSentinel).groups.at("master1").master = kReplica; }, true},
           {"the replica follows another", [](auto& s) { s.fleet.redis(kReplica).master = kSentinel; }, true},
           {"the replica is a master", [](auto& s) { s.fleet.Promote(kReplica); }, true}}) {
    FenceSite site;
    change(site);
    site.CheckFor(6s, false);
    EXPECT_EQ(site.Raised(), raised) << name;
  }
}

TEST(WriteFenceTest, AReplicaThatCannotBeAskedDoesNotCount) {
  FenceSite site;
  site.known_replicas.clear();
  // As one of another operator's, behind an address that leads nowhere from here.
  site.fleet.redis(kReplica).state = FakeFleet::State::kGone;
  site.attached = {{.endpoint = kReplica, .online = true}};
  site.CheckFor(10s, false);
  EXPECT_FALSE(site.Raised()) << "its Sentinel confirms this master";
}

TEST(WriteFenceTest, AReplicaThatJoinedUnseenCounts) {
  struct Row {
    const char* name;
    bool joined;
    bool follows;
    bool raised;
  };
  for (const auto& [name, joined, follows, raised] : std::initializer_list<Row>{
           {"nobody could be promoted", false, false, false},
           {"one joined, and follows", true, true, false},
           {"one joined, and is cut off: it may have been promoted", true, false, true}}) {
    FenceSite site;
    site.known_sentinels.clear();
    site.known_replicas.clear();
    site.fleet.redis(kReplica).master = kSentinel;
    site.CheckFor(3s, true);
    if (joined) site.fleet.redis(kReplica).master = kSelf;
    site.Check(false);
    if (!follows) site.fleet.redis(kReplica).state = FakeFleet::State::kGone;
    site.CheckFor(6s, false);
    EXPECT_EQ(site.Raised(), raised) << name;
    site.CheckFor(2s, true);
    EXPECT_FALSE(site.Raised()) << name;
  }
}

TEST(WriteFenceTest, IsNeverRaisedWhereItIsOff) {
  FenceSite site;
  site.options.fence = false;
  site.CutOff();
  site.CheckFor(10s, false);
  EXPECT_FALSE(site.Raised());
}

TEST(WriteFenceTest, IsLoweredOnAReplica) {
  FenceSite site;
  const CapturedLog log;
  site.CutOff();
  site.CheckFor(5s, false);
  EXPECT_TRUE(site.Raised());
  site.fleet.redis(kSelf).role = redis::Role::kReplica;
  site.Check(false);
  EXPECT_FALSE(site.Raised());
  EXPECT_THAT(log.text(), HasSubstr("this node is a replica now"));
}

TEST(WriteFenceTest, StandsAndFallsInTimeWhicheverAnswerIsLost) {
  AtEveryCall([](int number, Fault fault) {
    FenceSite site;
    site.Check(true);
    site.CutOff();
    site.network.FailCall(number, fault);
    site.CheckFor(6s, false);
    EXPECT_TRUE(site.Raised());
    const int faults = site.network.faults();
    site.network.Heal();
    site.CheckFor(3s, true);
    site.network.DeliverLate();
    site.CheckFor(3s, true);
    EXPECT_FALSE(site.Raised());
    EXPECT_EQ(site.Set("min-replicas-to-write"), "0");
    return faults > 0;
  });
}

TEST(WriteFenceTest, IsKnownToBeRaisedAfterALostAnswer) {
  for (const Fault fault : {Fault::kAfter, Fault::kLate}) {
    FenceSite site;
    const CapturedLog log;
    site.Check(true);
    site.CutOff();
    site.CheckFor(1s, false);
    // The order to raise, after both peers, and what is set now.
    bool failed = false;
    site.network.FailCall(3, fault, [&] { failed = true; });
    while (!failed) site.Check(false);
    // The confirmation is back before the order is given again.
    site.Check(true);
    EXPECT_FALSE(site.Raised());
    EXPECT_THAT(log.text(), Not(HasSubstr("an earlier redis-wrapper"))) << "it was this one";
    site.CheckFor(2s, true);
    EXPECT_FALSE(site.Raised());
  }
}

TEST(WriteFenceTest, FallsWhicheverAnswerIsLost) {
  AtEveryCall([](int number, Fault fault) {
    FenceSite site;
    site.CutOff();
    site.CheckFor(6s, false);
    EXPECT_TRUE(site.Raised());
    site.network.FailCall(number, fault);
    site.CheckFor(3s, true);
    EXPECT_FALSE(site.Raised());
    return site.network.faults() > 0;
  });
}

TEST(WriteFenceTest, WhatAKilledWrapperLeftRaisedIsLoweredOnceConfirmed) {
  FenceSite site;
  const CapturedLog log;
  site.CutOff();
  site.CheckFor(6s, false);
  site.Restart();
  site.Check(false);
  EXPECT_TRUE(site.Raised()) << "nobody confirms yet";
  site.CheckFor(2s, true);
  EXPECT_FALSE(site.Raised());
  EXPECT_THAT(log.text(), HasSubstr("an earlier redis-wrapper left the fence raised"));
}

TEST(WriteFenceTest, AServerThatDoesNotObeyIsToldAgain) {
  FenceSite site;
  const CapturedLog log;
  site.CutOff();
  site.fleet.redis(kSelf).forbidden = {{"CONFIG", "SET"}};
  site.CheckFor(6s, false);
  EXPECT_THAT(log.text(), HasSubstr("cannot raise the fence, retrying"));
  EXPECT_FALSE(site.Raised());
  site.fleet.redis(kSelf).forbidden.clear();
  site.CheckFor(2s, false);
  EXPECT_TRUE(site.Raised());
  site.fleet.redis(kSelf).forbidden = {{"CONFIG", "SET"}};
  site.CheckFor(2s, true);
  EXPECT_THAT(log.text(), HasSubstr("cannot lower the fence, retrying"));
  site.fleet.redis(kSelf).forbidden.clear();
  site.CheckFor(2s, true);
  EXPECT_FALSE(site.Raised());
}

TEST(WriteFenceTest, AServerWithoutItsAnswersIsAskedAgain) {
  FenceSite site;
  site.CutOff();
  site.fleet.redis(kSelf).forbidden = {{"CONFIG", "GET"}};
  site.CheckFor(6s, false);
  EXPECT_FALSE(site.Raised());
  site.fleet.redis(kSelf).forbidden.clear();
  site.CheckFor(2s, false);
  EXPECT_TRUE(site.Raised());
}

}  // namespace
}  // namespace redis_zk::testing::write_fence_test
