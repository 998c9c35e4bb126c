#include "redis-wrapper/fence.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <vector>

namespace redis_zk::testing::fence_test {
namespace {

using redis_wrapper::Confirmations;
using redis_wrapper::Confirmed;
using redis_wrapper::CountPeers;
using redis_wrapper::Fence;
using Action = Fence::Action;

TEST(ConfirmedTest, OneOfTwoConfirmationsIsEnough) {
  struct Row {
    const char* name;
    Confirmations confirmations;
    bool confirmed;
  };
  for (const auto& [name, confirmations, confirmed] : std::initializer_list<Row>{
           {"both", {true, 5, 5}, true},
           {"ZooKeeper alone", {true, 5, 0}, true},
           {"ZooKeeper away, all peers", {false, 5, 5}, true},
           {"ZooKeeper away, most peers", {false, 5, 3}, true},
           {"ZooKeeper away, half of the peers", {false, 4, 2}, false},
           {"ZooKeeper away, few peers", {false, 5, 2}, false},
           {"ZooKeeper away, no peer", {false, 5, 0}, false},
           {"ZooKeeper away, one peer that answers", {false, 1, 1}, true},
           {"ZooKeeper away, and nobody who could promote another", {false, 0, 0}, true},
       }) {
    EXPECT_EQ(Confirmed(confirmations), confirmed) << name;
  }
}

TEST(CountPeersTest, WhoHasNotHeardOfTheRecordDoesNotConfirm) {
  const Endpoint self{"10.0.0.1", 6379};
  const Endpoint other{"10.0.0.2", 6379};
  const auto says = [](const Endpoint& master, std::uint64_t epoch) {
    return sentinel::SentinelReport{.master = master, .config_epoch = epoch};
  };
  const redis::ServerInfo linked{.role = redis::Role::kReplica, .master = self, .link_up = true};
  const redis::ServerInfo linked_elsewhere{.role = redis::Role::kReplica, .master = other};
  const redis::ServerInfo another_master{.role = redis::Role::kMaster, .master = self};
  struct Row {
    const char* name;
    std::vector<sentinel::SentinelReport> sentinels;
    std::vector<redis::ServerInfo> replicas;
    std::uint64_t newer_epoch;
    std::size_t confirming;
  };
  for (const auto& [name, sentinels, replicas, newer_epoch, confirming] : std::initializer_list<Row>{
           {"all, and no other record", {says(self, 4), says(self, 4)}, {linked}, 0, 3},
           {"others name another", {says(other, 4), says(self, 4)}, {linked, linked_elsewhere}, 0, 2},
           {"a replica is a master now", {says(self, 4)}, {another_master}, 0, 1},
           {"promoted, and not recorded yet", {says(self, 5), says(other, 4)}, {linked}, 4, 2},
           {"a Sentinel calls it down",
            {{.master = self, .config_epoch = 4, .master_down = true}},
            {linked},
            0,
            1},
           {"replaced without their knowledge", {says(self, 4), says(self, 4)}, {linked}, 5, 0},
           {"replaced, and no Sentinel answers", {}, {linked}, 5, 0},
           {"no Sentinel answers", {}, {linked}, 0, 1},
       }) {
    const auto found = CountPeers({self, 3, sentinels, replicas, newer_epoch});
    EXPECT_EQ(found.confirming, confirming) << name;
    EXPECT_EQ(found.peers, 3U) << name;
    EXPECT_FALSE(found.zookeeper) << name;
  }
}

TEST(FenceTest, RisesWhenPatienceEndsAndFallsAtOnce) {
  struct Step {
    const char* name;
    Duration at;
    bool is_master;
    bool confirmed;
    Action action;
    bool done = true;
    bool sent = true;
  };
  const std::vector<std::vector<Step>> stories{
      {{"confirmed for", 0ms, true, true, Action::kNone},
       {"alone", 1s, true, false, Action::kNone},
       {"still patient", 1999ms, true, false, Action::kNone},
       {"patience counts from the last confirmation", 2s, true, false, Action::kRaise},
       {"once", 4s, true, false, Action::kNone},
       {"a confirmation is back", 5s, true, true, Action::kLower},
       {"once", 6s, true, true, Action::kNone},
       {"alone again: patience begins anew", 7s, true, false, Action::kNone},
       {"and ends again", 8s, true, false, Action::kRaise}},
      {{"confirmed for", 0ms, true, true, Action::kNone},
       {"a long silence of our own: who was frozen asks twice", 60s, true, false, Action::kNone},
       {"and only then", 61s, true, false, Action::kRaise}},
      {{"alone from the beginning", 0ms, true, false, Action::kNone},
       {"a confirmation in between", 1s, true, true, Action::kNone},
       {"alone", 2s, true, false, Action::kNone},
       {"patience ends", 3s, true, false, Action::kRaise},
       {"a replica needs no fence", 5s, false, false, Action::kLower},
       {"ever", 60s, false, false, Action::kNone}},
      {{"alone", 0ms, true, false, Action::kNone},
       {"the server does not answer the question before", 2s, true, false, Action::kRaise, false, false},
       {"nothing was ordered", 2500ms, true, true, Action::kNone},
       {"alone", 3s, true, false, Action::kNone},
       {"the answer is lost", 5s, true, false, Action::kRaise, false},
       {"it may be up: it is told again", 6s, true, false, Action::kRaise, false},
       {"a confirmation is back", 7s, true, true, Action::kLower},
       {"once", 8s, true, true, Action::kNone}},
      {{"alone", 0ms, true, false, Action::kNone},
       {"up", 2s, true, false, Action::kRaise},
       {"a confirmation is back, the answer is lost", 3s, true, true, Action::kLower, false},
       {"alone again: it may be down", 4s, true, false, Action::kNone},
       {"up again", 6s, true, false, Action::kRaise}},
      {{"alone", 0ms, true, false, Action::kNone},
       {"the server does not obey", 2s, true, false, Action::kRaise, false},
       {"it is told again", 3s, true, false, Action::kRaise},
       {"a confirmation is back, the server does not obey", 4s, true, true, Action::kLower, false},
       {"it is told again", 5s, true, true, Action::kLower}}};
  for (const auto& story : stories) {
    Fence fence(2s);
    const TimePoint start{};
    for (const auto& step : story) {
      const Action action = fence.Next(step.is_master, step.confirmed, start + step.at);
      EXPECT_EQ(action, step.action) << step.name << " at " << step.at.count() << " ms";
      if (step.sent) fence.Sent(action);
      if (step.done) fence.Did(action);
    }
  }
}

}  // namespace
}  // namespace redis_zk::testing::fence_test
