#include "redis-wrapper/promotable.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

namespace redis_zk::testing::promotable_test {
namespace {

using redis::kNoMasterKnown;
using redis::Role;
using redis::ServerInfo;
using redis_wrapper::CopySeen;
using redis_wrapper::FindUnaware;
using redis_wrapper::HoldsCopy;
using redis_wrapper::PriorityRule;
using redis_wrapper::See;
using sentinel::GroupReport;

const ServerInfo kMaster{.role = Role::kMaster};
const ServerInfo kLinked{.role = Role::kReplica, .offset = 500, .link_up = true};
const ServerInfo kLinkedToAFreshMaster{.role = Role::kReplica, .offset = 0, .link_up = true};
const ServerInfo kUnlinked{.role = Role::kReplica, .offset = 500};
const ServerInfo kUnlinkedAtZero{.role = Role::kReplica, .offset = 0};
const ServerInfo kUnlinkedLater{.role = Role::kReplica, .offset = 600};
const ServerInfo kNothing{.role = Role::kReplica, .offset = kNoMasterKnown};
const ServerInfo kCopying{.role = Role::kReplica, .offset = kNoMasterKnown, .synchronising = true};
const ServerInfo kLoading{.role = Role::kReplica, .loading = true, .offset = kNoMasterKnown};

TEST(HoldsCopyTest, GoesByWhatItHasSeenSinceTheStart) {
  struct Row {
    const char* name;
    std::vector<ServerInfo> seen;
    bool holds;
  };
  for (const auto& [name, seen, holds] : std::initializer_list<Row>{
           {"a master", {kMaster}, true},
           {"a master that loads", {{.role = Role::kMaster, .loading = true}}, true},
           {"not linked yet", {kNothing}, false},
           {"copies", {kCopying}, false},
           {"loads", {kCopying, kLoading}, false},
           {"linked", {kCopying, kLoading, kLinked}, true},
           {"linked to a master that has written nothing", {kCopying, kLinkedToAFreshMaster}, true},
           {"the master is gone", {kLinked, kUnlinked}, true},
           {"the master is gone, and had written nothing", {kLinkedToAFreshMaster, kUnlinkedAtZero}, true},
           {"linked between two looks", {kCopying, kLoading, kUnlinked}, true},
           {"the same, with a snapshot of its own that reached as far",
            {kUnlinked, kCopying, kUnlinked},
            true},
           {"its own snapshot", {kUnlinked, kUnlinked}, false},
           {"went on from its own snapshot between two looks", {kUnlinked, kUnlinkedLater}, true},
           {"gives its copy up", {kLinked, kUnlinked, kCopying}, false},
           {"could not load the new one", {kLinked, kCopying, kNothing}, false},
           {"tries again", {kLinked, kCopying, kNothing, kCopying, kLoading}, false},
           {"has it at last", {kLinked, kCopying, kNothing, kCopying, kLinked}, true},
           {"was master, and has no link yet", {kMaster, kUnlinked}, true},
           {"was master, and copies", {kMaster, kCopying}, false},
           {"was master, and could not load", {kMaster, kCopying, kNothing}, false}}) {
    CopySeen before;
    for (const auto& info : seen) before = See(before, info);
    EXPECT_EQ(HoldsCopy(before, seen.back()), holds) << name;
  }
}

ServerInfo WithPriority(std::int64_t priority) { return {.role = Role::kReplica, .priority = priority}; }

// Looks every second at what `priority` is, as if each order were carried out; what it is at the end.
std::int64_t After(PriorityRule& rule, bool holds_copy, std::int64_t priority, int seconds, TimePoint& now) {
  for (int second = 0; second < seconds; ++second, now += 1s) {
    const auto next = rule.Next(holds_copy, WithPriority(priority), now);
    if (!next) continue;
    priority = *next;
    rule.Did(holds_copy);
  }
  return priority;
}

TEST(PriorityRuleTest, IsZeroWithoutACopyAndTheUsersWithOne) {
  TimePoint now{};
  for (const std::int64_t users : {100, 1, 2, 0, 40}) {
    PriorityRule rule(users);
    EXPECT_EQ(After(rule, false, 0, 1, now), 0);
    EXPECT_EQ(After(rule, true, 0, 1, now), users);
    EXPECT_EQ(After(rule, false, users, 1, now), 0);
    EXPECT_EQ(After(rule, true, 0, 1, now), users);
  }
}

TEST(PriorityRuleTest, TriesAgainUntilItIsSet) {
  PriorityRule rule(100);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(rule.Next(true, WithPriority(0), TimePoint{}), 100);
  rule.Did(true);
  EXPECT_EQ(rule.Next(true, WithPriority(100), TimePoint{}), std::nullopt);
}

TEST(PriorityRuleTest, OfAMasterItIsSetOnce) {
  PriorityRule rule(100);
  EXPECT_EQ(rule.Next(true, kMaster, TimePoint{}), 100) << "INFO does not say what it is";
  rule.Did(true);
  EXPECT_EQ(rule.Next(true, kMaster, TimePoint{}), std::nullopt);
}

TEST(PriorityRuleTest, WhatOthersSetStandsBetween) {
  struct Row {
    const char* name;
    std::int64_t users;
    bool holds_copy;
    std::int64_t set;
    int seconds;
    std::int64_t then;
  };
  for (const auto& [name, users, holds_copy, set, seconds, then] :
       std::initializer_list<Row>{{"an operator's", 100, true, 7, 1000, 7},
                                  {"an operator's zero", 100, true, 0, 1000, 0},
                                  {"a handover prefers it", 100, true, 1, 30, 1},
                                  {"a handover prefers another", 100, true, 2, 30, 2},
                                  {"a handover that was killed", 100, true, 1, 70, 100},
                                  {"the same, to another's good", 100, true, 2, 70, 100},
                                  {"the user's own one", 1, true, 1, 1000, 1},
                                  {"an operator who insists, without a copy", 100, false, 10, 1000, 10},
                                  {"a handover that ends, without a copy", 100, false, 100, 1, 0},
                                  {"one that was killed, without a copy", 100, false, 2, 1, 0}}) {
    TimePoint now{};
    PriorityRule rule(users);
    After(rule, holds_copy, holds_copy ? users : 0, 1, now);
    EXPECT_EQ(After(rule, holds_copy, set, seconds, now), then) << name;
  }
}

TEST(PriorityRuleTest, ALeftoverIsMeasuredFromItsBeginning) {
  TimePoint now{};
  PriorityRule rule(100);
  After(rule, true, 100, 1, now);
  for (int handover = 0; handover < 5; ++handover) {
    EXPECT_EQ(After(rule, true, 1, 30, now), 1);
    EXPECT_EQ(After(rule, true, 100, 1, now), 100);
  }
}

const Endpoint kSelf{"10.0.0.2", 6379};
const Endpoint kRecorded{"10.0.0.1", 6379};
const sentinel::Peer kS1{.endpoint = {"10.0.0.7", 26379}, .id = ""};
const sentinel::Peer kS2{.endpoint = {"10.0.0.8", 26379}, .id = ""};

Result<GroupReport> Report(const Endpoint& master, std::vector<sentinel::ReplicaReport> replicas) {
  return GroupReport{.report = {.master = master}, .replicas = std::move(replicas)};
}

TEST(FindUnawareTest, NamesTheSentinelThatDoesNotKnowTheReplica) {
  const sentinel::ReplicaReport listed{.endpoint = kSelf};
  const sentinel::ReplicaReport never{.endpoint = kSelf, .priority = 0};
  const sentinel::ReplicaReport other{.endpoint = {"10.0.0.3", 6379}};
  const sentinel::ReplicaReport by_name{.endpoint = {"redis-2.example", 6379}};
  const Result<GroupReport> silent = Fail(ErrorKind::kTimeout, "no answer");
  const auto knows = Report(kRecorded, {other, listed});
  struct Row {
    const char* name;
    std::vector<Result<GroupReport>> answers;
    std::int64_t users_priority;
    std::optional<std::string> unaware;
  };
  for (const auto& [name, answers, users_priority, unaware] : std::initializer_list<Row>{
           {"no Sentinel is registered", {}, 100, std::nullopt},
           {"all know it", {knows, knows}, 100, std::nullopt},
           {"one is silent", {silent, knows}, 100, std::nullopt},
           {"one names another master", {Report(kSelf, {}), knows}, 100, std::nullopt},
           {"by its name", {Report(kRecorded, {by_name})}, 100, std::nullopt},
           {"one does not know it",
            {knows, Report(kRecorded, {other})},
            100,
            "Sentinel 10.0.0.8:26379 does not list this replica yet"},
           {"one has not seen that it has a copy",
            {Report(kRecorded, {never}), knows},
            100,
            "Sentinel 10.0.0.7:26379 still reads replica-priority 0 of this replica"},
           {"its user rules that out", {Report(kRecorded, {never})}, 0, std::nullopt},
           {"none answers",
            {silent, silent},
            100,
            "none of the 2 registered Sentinels answers and names this replica's master"}}) {
    const std::vector<sentinel::Peer> all{kS1, kS2};
    const std::vector<sentinel::Peer> sentinels(all.begin(),
                                                all.begin() + static_cast<std::ptrdiff_t>(answers.size()));
    EXPECT_EQ(FindUnaware(sentinels, answers, kSelf, kRecorded, users_priority), unaware) << name;
  }
}

}  // namespace
}  // namespace redis_zk::testing::promotable_test
