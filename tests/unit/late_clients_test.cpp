#include "redis-wrapper/late_clients.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <vector>

namespace redis_zk::testing::late_clients_test {
namespace {

using redis::Role;
using redis_wrapper::LateClients;

TEST(LateClientsTest, AreDisconnectedWhenNoSentinelSendsMore) {
  struct Look {
    LateClients::Seen seen;
    bool disconnect;
  };
  struct Row {
    const char* name;
    std::vector<Look> looks;  // a second apart, the first right after the demotion
    bool expects;             // more, afterwards
  };
  for (const auto& [name, looks, expects] : std::initializer_list<Row>{
           {"all know at once", {{{3, 0, 3}, false}, {{3, 0, 3}, true}}, false},
           {"two learn later",
            {{{1, 2, 3}, false}, {{2, 1, 3}, false}, {{3, 0, 3}, false}, {{3, 0, 3}, true}},
            false},
           {"one does not know yet", {{{2, 1, 3}, false}, {{2, 1, 3}, false}}, true},
           {"one is silent", {{{2, 0, 3}, false}, {{2, 0, 3}, true}, {{2, 0, 3}, false}}, true},
           {"the silent one comes back, and knows",
            {{{2, 0, 3}, false}, {{2, 0, 3}, true}, {{3, 0, 3}, false}, {{3, 0, 3}, true}},
            false},
           {"the silent one comes back, and learns",
            {{{2, 0, 3}, false},
             {{2, 0, 3}, true},
             {{2, 1, 3}, false},
             {{3, 0, 3}, false},
             {{3, 0, 3}, true}},
            false},
           {"none answers", {{{0, 0, 3}, false}, {{0, 0, 3}, false}}, true},
           {"none is registered", {{{0, 0, 0}, false}}, false},
       }) {
    LateClients clients;
    TimePoint now{};
    EXPECT_FALSE(clients.Expects(Role::kMaster, now)) << name;
    for (const auto& [seen, disconnect] : looks) {
      ASSERT_TRUE(clients.Expects(Role::kReplica, now)) << name;
      EXPECT_EQ(clients.ShouldDisconnect(seen, now), disconnect) << name;
      now += 1s;
    }
    EXPECT_EQ(clients.Expects(Role::kReplica, now), expects) << name;
  }
}

TEST(LateClientsTest, AreExpectedAfterADemotionOnly) {
  LateClients clients;
  TimePoint now{};
  EXPECT_FALSE(clients.Expects(Role::kReplica, now)) << "it never was a master";
  EXPECT_FALSE(clients.Expects(Role::kMaster, now));
  EXPECT_TRUE(clients.Expects(Role::kReplica, now));
  EXPECT_FALSE(clients.Expects(Role::kMaster, now)) << "it is master again";
  EXPECT_TRUE(clients.Expects(Role::kReplica, now));
  now += LateClients::kComeWithin;
  EXPECT_TRUE(clients.ShouldDisconnect({.aware = 1, .unaware = 1, .registered = 2}, now)) << "the last time";
  EXPECT_FALSE(clients.Expects(Role::kReplica, now));
}

TEST(LateClientsTest, AreNotDisconnectedForASentinelThatIsGone) {
  LateClients clients;
  TimePoint now{};
  clients.Expects(Role::kMaster, now);
  clients.Expects(Role::kReplica, now);
  const LateClients::Seen seen{.aware = 2, .registered = 3};
  EXPECT_FALSE(clients.ShouldDisconnect(seen, now));
  EXPECT_TRUE(clients.ShouldDisconnect(seen, now));
  now += LateClients::kComeWithin;
  EXPECT_FALSE(clients.ShouldDisconnect(seen, now));
  EXPECT_FALSE(clients.Expects(Role::kReplica, now));
}

}  // namespace
}  // namespace redis_zk::testing::late_clients_test
