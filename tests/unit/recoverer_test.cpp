#include "redis-wrapper/recoverer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "store/sentinel_id.h"
#include "support/failing_network.h"
#include "support/fake_fleet.h"
#include "support/fault_site.h"

namespace redis_zk::testing::recoverer_test {
namespace {

using redis::Role;
using redis_wrapper::Recoverer;
using redis_wrapper::WrapperOptions;
using ::testing::HasSubstr;
using State = FakeFleet::State;

const Endpoint kMaster{"10.0.0.1", 6379};
const Endpoint kSelf{"10.0.0.2", 6379};
const Endpoint kOther{"10.0.0.3", 6379};
const std::string kGroup = "master1";
const Endpoint kGone{"10.0.1.3", 26379};
constexpr Duration kPatience = 10s;

// A master that has died, its two replicas, three Sentinels that know them, of whom two do nothing and one is
// gone, and this node's wrapper.
class Site {
 public:
  explicit Site(Duration patience = kPatience)
      : options_{.common = {.master_name = kGroup},
                 .server = {.bind = kSelf, .announce = kSelf},
                 .recovery_patience = patience,
                 .fence_patience = 2s} {
    fleet_.AddMaster(kMaster);
    fleet_.AddReplica(kSelf, kMaster);
    fleet_.AddReplica(kOther, kMaster);
    EXPECT_TRUE(places_.other.groups.Ensure(kGroup));
    for (const char* digit : {"1", "2", "3"}) {
      const std::string uuid = std::string(8, *digit) + "-1111-4111-8111-111111111111";
      const Endpoint endpoint{"10.0.1." + std::string(digit), 26379};
      auto& sentinel = fleet_.AddSentinel(endpoint, kGroup, kMaster);
      sentinel.id = store::SentinelIdOf(uuid);
      sentinel.groups.at(kGroup).config_epoch = 4;
      EXPECT_TRUE(places_.other.sentinels.Register({uuid, endpoint}));
    }
    const auto& data = fleet_.redis(kMaster);
    EXPECT_TRUE(places_.other.datasets.WriteHistory(
        kGroup, {.replication_id = data.replication_id, .offset = data.offset}));
    for (const auto& endpoint : {kSelf, kOther})
      EXPECT_TRUE(places_.other.members.Register(
          kGroup, {.uuid = endpoint.host, .endpoint = endpoint, .serving = true}));
    const auto nobody = places_.other.records.Read(kGroup, zookeeper::Watch::kNo);
    EXPECT_TRUE(
        places_.other.records.Write(kGroup, *nobody, {.master = kMaster, .epoch = 4, .reason = "test"}, ""));
    fleet_.redis(kMaster).state = State::kGone;
    for (auto* redis : {&fleet_.redis(kSelf), &fleet_.redis(kOther)}) redis->link_up = false;
    EachSentinel([](auto& group) { group.master_down = true; });
    fleet_.sentinel(kGone).state = State::kGone;
  }

  template <class Change>
  void EachSentinel(const Change& change) {
    for (const char* digit : {"1", "2", "3"})
      change(fleet_.sentinel({"10.0.1." + std::string(digit), 26379}).groups.at(kGroup));
  }

  // As Serving does. True: it has become the master.
  bool Look() {
    const auto own = own_->AskInfo();
    if (!own) return false;
    const auto recovered = recoverer_.Check(*own, /*holds_copy=*/true, Record().master == kSelf, pause_);
    if (recovered) {
      EXPECT_EQ(recovered->master, kSelf);
      EXPECT_EQ(recovered->origin, store::Origin::kUnelected);
    }
    return recovered.has_value();
  }
  bool LookFor(Duration duration) {
    for (const TimePoint end = time_.Now() + duration; time_.Now() < end; time_.Advance(1s)) {
      if (Look()) return true;
    }
    return false;
  }

  store::Record Record() { return places_.other.records.Read(kGroup, zookeeper::Watch::kNo).value(); }
  bool acts(const Endpoint& server) { return fleet_.redis(server).role == Role::kMaster; }

  const store::Pause* pause_ = nullptr;
  FakeTime time_;
  FakeFleet fleet_{time_};
  FailingNetwork network_{fleet_.network()};
  FaultSite places_;
  const WrapperOptions options_;
  zookeeper::Lock lock_{places_.session, places_.registry.records.Path(kGroup), "test"};
  const std::unique_ptr<redis::KeptServer> own_ = network_.network().redis.Keep(kSelf);
  redis_wrapper::Lookup lookup_{options_, network_.network(), places_.registry};
  Recoverer recoverer_{options_, network_.network(), places_.session, places_.registry, lookup_, lock_,
                       *own_};
};

TEST(RecovererTest, PromotesItsServerWhenSentinelDoesNothing) {
  Site site;
  EXPECT_FALSE(site.LookFor(kPatience));
  EXPECT_EQ(site.Record().master, kMaster) << "its patience has not passed";
  EXPECT_TRUE(site.LookFor(2s));
  EXPECT_TRUE(site.acts(kSelf));
  const auto record = site.Record();
  EXPECT_EQ(record.master, kSelf);
  EXPECT_EQ(record.epoch, 5U);
  EXPECT_EQ(record.origin, store::Origin::kUnelected) << "so that Sentinels are told";
  EXPECT_TRUE(site.lock_.node().empty()) << "the lock is for others again";
  EXPECT_FALSE(site.LookFor(kPatience)) << "once";
}

TEST(RecovererTest, PromotesNothingWhilePausedAndHasPatienceAgainAfterwards) {
  Site site;
  const store::Pause pause{
      .until = 1'769'860'800'000, .from = "10.0.0.9:5000", .reason = "the network is mended"};
  site.pause_ = &pause;
  EXPECT_FALSE(site.LookFor(3 * kPatience));
  EXPECT_EQ(site.Record().master, kMaster);
  ASSERT_TRUE(site.recoverer_.wait());
  EXPECT_EQ(site.recoverer_.wait()->name, "paused");
  EXPECT_THAT(site.recoverer_.wait()->sentence,
              HasSubstr("paused until 2026-01-31 12:00:00 UTC by 10.0.0.9:5000: the network is mended"));
  site.pause_ = nullptr;
  EXPECT_FALSE(site.LookFor(kPatience)) << "what was seen before the end of the pause does not count";
  EXPECT_TRUE(site.LookFor(2s));
}

TEST(RecovererTest, PromotesItsServerSoonWhereAllSentinelsHaveGivenUp) {
  for (const bool know_replicas : {false, true}) {
    Site site;
    site.fleet_.sentinel(kGone).state = State::kAnswers;
    site.EachSentinel([&](auto& group) {
      if (!know_replicas) group.replicas.clear();
      group.failing_over = true;
    });
    EXPECT_FALSE(site.LookFor(5s)) << "they are at it";
    site.EachSentinel([](auto& group) { group.failing_over = false; });
    EXPECT_FALSE(site.Look()) << "they may be about to fail over";
    EXPECT_TRUE(site.LookFor(know_replicas ? 4s : 2s));
    EXPECT_EQ(site.Record().master, kSelf);
    EXPECT_EQ(site.Record().epoch, 5U);
  }
}

TEST(RecovererTest, AStrangerAtTheMastersAddressIsNoMasterThatLives) {
  Site site;
  // It got the address at once, so that no Sentinel has noticed anything.
  auto& stranger = site.fleet_.AddMaster(kMaster);
  site.EachSentinel([](auto& group) { group.master_down = false; });
  EXPECT_FALSE(site.LookFor(kPatience));
  EXPECT_TRUE(site.LookFor(2s));
  EXPECT_EQ(site.Record().master, kSelf);
  EXPECT_TRUE(site.acts(kSelf));
  EXPECT_EQ(stranger.role, Role::kMaster);
}

TEST(RecovererTest, WhatItWaitsForHasANameUntilItIsOver) {
  Site site;
  EXPECT_FALSE(site.LookFor(3s));
  ASSERT_TRUE(site.recoverer_.wait());
  EXPECT_EQ(site.recoverer_.wait()->name, "recovery");
  EXPECT_FALSE(site.recoverer_.wait()->needs_person);
  EXPECT_TRUE(site.LookFor(2 * kPatience));
  EXPECT_FALSE(site.recoverer_.wait());
}

TEST(RecovererTest, WhatOnlyAPersonCanEndSaysSo) {
  Site site;
  for (const auto& replica : {kSelf, kOther}) site.fleet_.redis(replica).config["replica-priority"] = "0";
  EXPECT_FALSE(site.LookFor(3 * kPatience));
  ASSERT_TRUE(site.recoverer_.wait());
  EXPECT_EQ(site.recoverer_.wait()->name, "recovery-blocked");
  EXPECT_TRUE(site.recoverer_.wait()->needs_person);
  EXPECT_NE(site.recoverer_.wait()->sentence.find("set replica-priority to 10"), std::string::npos);
}

TEST(RecovererTest, DoesNothingWithoutPatience) {
  Site site(0s);
  EXPECT_FALSE(site.LookFor(3 * kPatience));
  EXPECT_FALSE(site.acts(kSelf));
}

TEST(RecovererTest, LeavesAMasterAlone) {
  struct Row {
    const char* name;
    void (*change)(Site&);
  };
  for (const auto& [name, change] : std::initializer_list<Row>{
           {"a Sentinel promotes another one",
            [](Site& site) {
              site.fleet_.Promote(kOther);
              site.EachSentinel([](auto& group) {
                group.master = kOther;
                group.master_down = false;
                ++group.config_epoch;
              });
            }},
           {"the master answers", [](Site& site) { site.fleet_.redis(kMaster).state = State::kAnswers; }},
           {"a Sentinel sees the master",
            [](Site& site) { site.EachSentinel([](auto& group) { group.master_down = false; }); }},
           {"ZooKeeper is away",
            [](Site& site) { site.places_.zookeeper.Disconnect(site.places_.session.id()); }}}) {
    Site site;
    EXPECT_FALSE(site.LookFor(kPatience)) << name;
    change(site);
    EXPECT_FALSE(site.LookFor(3 * kPatience)) << name;
    EXPECT_FALSE(site.acts(kSelf)) << name;
    EXPECT_EQ(site.Record().master, kMaster) << name;
  }
}

TEST(RecovererTest, RecordsAPromotionThatNobodyHeardOf) {
  Site site;
  // The Sentinel that ordered it died before it saw it.
  site.fleet_.Promote(kSelf);
  EXPECT_FALSE(site.LookFor(kPatience));
  EXPECT_TRUE(site.LookFor(2s));
  EXPECT_EQ(site.Record().master, kSelf);
  EXPECT_EQ(site.fleet_.orders, std::vector<std::string>{}) << "there is nothing to order";
  EXPECT_FALSE(site.LookFor(2 * kPatience));
}

TEST(RecovererTest, LeavesItToWhoHoldsTheLock) {
  Site site;
  zookeeper::Lock others(*site.places_.other_session, site.places_.other.records.Path(kGroup), "other");
  ASSERT_TRUE(others.Acquire().value());
  EXPECT_FALSE(site.LookFor(3 * kPatience));
  EXPECT_FALSE(site.acts(kSelf));
  ASSERT_TRUE(others.Release());
  EXPECT_TRUE(site.LookFor(3s));
}

TEST(RecovererTest, RecordsNothingThatItsServerWouldRefuse) {
  Site site;
  site.fleet_.redis(kSelf).forbidden = {{"REPLICAOF"}};
  EXPECT_FALSE(site.LookFor(3 * kPatience));
  EXPECT_EQ(site.Record().master, kMaster) << "another node may do better";
  site.fleet_.redis(kSelf).forbidden.clear();
  EXPECT_TRUE(site.LookFor(3s));
}

TEST(RecovererTest, LooksAgainUnderTheLock) {
  Site site;
  EXPECT_FALSE(site.LookFor(kPatience));
  // The other one has more by the time at which the lock is held.
  site.places_.session.FailEvery(FailingSession::Call::kCreate, Fault::kBefore);
  EXPECT_FALSE(site.LookFor(2s));
  site.fleet_.redis(kOther).offset += 1;
  site.places_.session.Heal();
  EXPECT_FALSE(site.LookFor(3 * kPatience));
  EXPECT_FALSE(site.acts(kSelf));
}

// Whatever fails, and when: one master, which the record names.
void CheckWhole(Site& site) {
  EXPECT_TRUE(site.LookFor(2 * kPatience) || site.acts(kSelf)) << "it comes when the fault is over";
  EXPECT_TRUE(site.acts(kSelf));
  EXPECT_EQ(site.Record().master, kSelf);
  EXPECT_GE(site.Record().epoch, 5U);
}

TEST(RecovererTest, IsWholeWhicheverRequestToZooKeeperFails) {
  AtEveryCall([](int number, Fault fault) {
    Site site;
    EXPECT_FALSE(site.LookFor(kPatience));
    site.places_.session.FailCall(number, fault);
    const bool promoted = site.Look();
    EXPECT_TRUE(!promoted || site.Record().master == kSelf) << "nobody is master who is not recorded";
    const bool failed = site.places_.session.faults() > 0;
    site.places_.session.Heal();
    CheckWhole(site);
    return failed;
  });
}

TEST(RecovererTest, IsWholeWhicheverQuestionToAServerFails) {
  AtEveryCall([](int number, Fault fault) {
    Site site;
    EXPECT_FALSE(site.LookFor(kPatience));
    site.network_.FailCall(number, fault);
    const bool promoted = site.Look();
    EXPECT_TRUE(!promoted || site.Record().master == kSelf) << "nobody is master who is not recorded";
    const bool failed = site.network_.faults() > 0;
    site.network_.Heal();
    site.network_.DeliverLate();
    CheckWhole(site);
    return failed;
  });
}

}  // namespace
}  // namespace redis_zk::testing::recoverer_test
