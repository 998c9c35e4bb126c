#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "failover/plan.h"

namespace redis_zk::testing::handover_plan_test {
namespace {

using failover::HandoverView;
using failover::PlanHandover;
using redis::ReplicaOf;
using redis::Role;
using redis::ServerInfo;
using sentinel::GroupReport;

const Endpoint kSelf{"10.0.0.1", 6379};
const Endpoint kB{"10.0.0.2", 6379};
const Endpoint kC{"10.0.0.3", 6379};
const Endpoint kS1{"10.0.0.7", 26379};
const Endpoint kS2{"10.0.0.8", 26379};

GroupReport Able(const Endpoint& sentinel) {
  return {{.sentinel = sentinel, .master = kSelf}, {{.endpoint = kB}, {.endpoint = kC}}};
}

ServerInfo Replica() { return {.role = Role::kReplica, .master = kSelf, .link_up = true}; }

// Two replicas that may take over, and two Sentinels that can promote them.
HandoverView Healthy() {
  HandoverView view{.master = {.role = Role::kMaster, .replicas = {{kB, true, 5}, {kC, true, 5}}},
                    .announced = kSelf,
                    .sentinels = {Able(kS1), Able(kS2)},
                    .registered = 2};
  view.replicas.emplace(kB, Replica());
  view.replicas.emplace(kC, Replica());
  return view;
}

// Leaves one replica.
void KeepOnlyB(HandoverView& view) { view.master.replicas.resize(1); }

TEST(PlanHandoverTest, BeginsWhereItCanEnd) {
  struct Row {
    const char* name;
    std::function<void(HandoverView&)> change;
    std::vector<Endpoint> replicas;
    std::vector<Endpoint> candidates;
    std::vector<Endpoint> sentinels;
  };
  for (const auto& [name, change, replicas, candidates, sentinels] : std::initializer_list<Row>{
           {"healthy", [](auto&) {}, {kB, kC}, {kB, kC}, {kS2, kS1}},
           {"one replica still copies",
            [](auto& v) { v.master.replicas[1].online = false; },
            {kB},
            {kB},
            {kS2, kS1}},
           {"one replica still loads",
            [](auto& v) { v.replicas.at(kB)->loading = true; },
            {kB, kC},
            {kC},
            {kS2, kS1}},
           {"one is silent",
            [](auto& v) { v.replicas.at(kC) = Fail(ErrorKind::kTimeout, "silent"); },
            {kB, kC},
            {kB},
            {kS2, kS1}},
           {"one is never promoted, and a Sentinel has not heard of it",
            [](auto& v) { v.replicas.at(kC)->priority = 0; },
            {kB, kC},
            {kB},
            {kS2, kS1}},
           {"one is never promoted, and need not catch up",
            [](auto& v) {
              v.replicas.at(kC)->priority = 0;
              for (auto& sentinel : v.sentinels) sentinel.replicas[1].priority = 0;
            },
            {kB},
            {kB},
            {kS2, kS1}},
           {"one Sentinel follows another master",
            [](auto& v) { v.sentinels[0].report.master = kB; },
            {kB, kC},
            {kB, kC},
            {kS2}},
           {"one Sentinel is in TILT",
            [](auto& v) { v.sentinels[1].report.tilt = true; },
            {kB, kC},
            {kB, kC},
            {kS1}},
           {"one Sentinel knows no replica yet",
            [](auto& v) { v.sentinels[1].replicas.clear(); },
            {kB, kC},
            {kB, kC},
            {kS1}},
           {"one Sentinel does not know the replica that may",
            [](auto& v) {
              v.replicas.at(kC)->loading = true;
              v.sentinels[0].replicas.erase(v.sentinels[0].replicas.begin());
            },
            {kB, kC},
            {kB},
            {kS2}},
           {"one Sentinel would rather promote who is not attached",
            [](auto& v) {
              KeepOnlyB(v);
              v.sentinels[0].replicas.pop_back();
            },
            {kB},
            {kB},
            {kS1}},
           {"the replica is known by its name",
            [](auto& v) {
              v.master.replicas = {{{"redis-2.internal", kB.port}, true, 5}};
              v.replicas.emplace(Endpoint{"redis-2.internal", kB.port}, Replica());
            },
            {{"redis-2.internal", kB.port}},
            {{"redis-2.internal", kB.port}},
            {kS2, kS1}},
       }) {
    HandoverView view = Healthy();
    change(view);
    const auto plan = PlanHandover(view);
    EXPECT_EQ(plan.refusal, "") << name;
    EXPECT_EQ(plan.replicas, replicas) << name;
    EXPECT_EQ(plan.candidates, candidates) << name;
    EXPECT_EQ(plan.sentinels, sentinels) << name;
  }
}

TEST(PlanHandoverTest, TellsWhatPassesFromWhatDoesNot) {
  constexpr bool kPasses = true;
  constexpr bool kStays = false;
  struct Row {
    const char* name;
    std::function<void(HandoverView&)> change;
    bool passing;
    std::string refusal;
  };
  for (const auto& [name, change, passing, refusal] : std::initializer_list<Row>{
           {"a replica", [](auto& v) { v.master.role = Role::kReplica; }, kStays, "this node is a replica"},
           {"alone",
            [](auto& v) {
              v.master.replicas.clear();
              for (auto& sentinel : v.sentinels) sentinel.replicas.clear();
            },
            kStays, "no replica is attached"},
           {"those that were attached are down",
            [](auto& v) {
              v.master.replicas.clear();
              for (auto& sentinel : v.sentinels)
                for (auto& replica : sentinel.replicas) replica.down = true;
            },
            kStays, "no replica is attached"},
           {"a link has just broken", [](auto& v) { v.master.replicas.clear(); }, kPasses,
            "replica 10.0.0.2:6379 is not attached"},
           {"all still copy",
            [](auto& v) {
              for (auto& replica : v.master.replicas) replica.online = false;
            },
            kPasses, "10.0.0.2:6379 is still copying the data"},
           {"the only one still loads",
            [](auto& v) {
              KeepOnlyB(v);
              v.replicas.at(kB)->loading = true;
            },
            kPasses, "10.0.0.2:6379 is still loading its data"},
           {"the only one is never promoted",
            [](auto& v) {
              KeepOnlyB(v);
              v.replicas.at(kB)->priority = 0;
            },
            kPasses, "10.0.0.2:6379 cannot be promoted: its replica-priority is 0"},
           {"the only one is online and its link is not up",
            [](auto& v) {
              KeepOnlyB(v);
              v.replicas.at(kB)->link_up = false;
            },
            kPasses, "10.0.0.2:6379 is still copying the data"},
           {"the only one does not answer",
            [](auto& v) {
              KeepOnlyB(v);
              v.replicas.at(kB) = Fail(ErrorKind::kTimeout, "10.0.0.2:6379: no answer within 500 ms");
            },
            kPasses, "10.0.0.2:6379: no answer within 500 ms"},
           {"no Sentinel is registered", [](auto& v) { v.sentinels.clear(), v.registered = 0; }, kStays,
            "no Sentinel is registered"},
           {"no Sentinel answers", [](auto& v) { v.sentinels.clear(); }, kPasses,
            "no Sentinel reports 10.0.0.1:6379 as the master"},
           {"all follow another master",
            [](auto& v) {
              for (auto& sentinel : v.sentinels) sentinel.report.master = kB;
            },
            kPasses, "no Sentinel reports 10.0.0.1:6379 as the master"},
           {"none knows a replica yet",
            [](auto& v) {
              for (auto& sentinel : v.sentinels) sentinel.replicas.clear();
            },
            kPasses, "no Sentinel knows 10.0.0.2:6379 yet"},
           {"they know only one that is dead",
            [](auto& v) {
              KeepOnlyB(v);
              for (auto& sentinel : v.sentinels) sentinel.replicas = {{.endpoint = kC, .down = true}};
            },
            kPasses, "no Sentinel knows 10.0.0.2:6379 yet"},
           {"they believe that none may be promoted",
            [](auto& v) {
              for (auto& sentinel : v.sentinels)
                for (auto& replica : sentinel.replicas) replica.priority = 0;
            },
            kPasses, "no Sentinel knows 10.0.0.2:6379 yet"},
           {"all are in TILT",
            [](auto& v) {
              for (auto& sentinel : v.sentinels) sentinel.report.tilt = true;
            },
            kPasses, "every Sentinel that knows a promotable replica is in TILT"},
           {"one is in TILT and the other knows no replica",
            [](auto& v) {
              v.sentinels[0].report.tilt = true;
              v.sentinels[1].replicas.clear();
            },
            kPasses, "every Sentinel that knows a promotable replica is in TILT"},
           {"one fails over already", [](auto& v) { v.sentinels[0].report.failover_in_progress = true; },
            kPasses, "Sentinel 10.0.0.7:26379 is already running a failover"},
           {"most have to name it, and do not",
            [](auto& v) {
              v.needed = 2;
              v.sentinels.pop_back();
            },
            kPasses, "ZooKeeper does not confirm this master, and only 1 of 2 required Sentinels do"},
       }) {
    HandoverView view = Healthy();
    change(view);
    const auto plan = PlanHandover(view);
    EXPECT_EQ(plan.refusal, refusal) << name;
    EXPECT_EQ(plan.passing, passing) << name;
  }
}

TEST(PlanHandoverTest, SaysWhetherAllAreReady) {
  HandoverView view = Healthy();
  EXPECT_TRUE(PlanHandover(view).all_ready);
  view.sentinels[0].replicas.clear();
  EXPECT_FALSE(PlanHandover(view).all_ready) << "one knows no replica yet";
  view.sentinels[0].report.tilt = true;
  EXPECT_TRUE(PlanHandover(view).all_ready) << "in TILT it is not waited for";
  KeepOnlyB(view);
  view.sentinels[0] = Able(kS1);
  view.sentinels[0].replicas.pop_back();
  EXPECT_FALSE(PlanHandover(view).all_ready) << "the best one would rather promote another one";
}

TEST(PlanHandoverTest, CountsWhoNamesTheMasterAndNotWhoCanBeAsked) {
  HandoverView view = Healthy();
  view.needed = 2;
  EXPECT_EQ(PlanHandover(view).refusal, "");
  view.sentinels[1].report.tilt = true;
  EXPECT_EQ(PlanHandover(view).sentinels, std::vector{kS1});
}

TEST(FindUnattachedTest, NamesWhomSentinelCouldPromoteAllTheSame) {
  using Known = std::vector<sentinel::ReplicaReport>;
  struct Row {
    const char* name;
    std::vector<Endpoint> attached;
    Known known;
    std::vector<Endpoint> found;
  };
  for (const auto& [name, attached, known, found] : std::initializer_list<Row>{
           {"all attached", {kB, kC}, {{.endpoint = kB}, {.endpoint = kC}}, {}},
           {"one has lost its link", {kB}, {{.endpoint = kB}, {.endpoint = kC}}, {kC}},
           {"one is down", {kB}, {{.endpoint = kB}, {.endpoint = kC, .down = true}}, {}},
           {"one is never promoted", {kB}, {{.endpoint = kB}, {.endpoint = kC, .priority = 0}}, {}},
           {"Sentinel knows fewer", {kB, kC}, {{.endpoint = kB}}, {}},
           {"known by name", {{"redis-2.internal", 6379}}, {{.endpoint = kB}}, {}}})
    EXPECT_EQ(failover::FindUnattached(attached, known), found) << name;
}

TEST(PlanHandoverTest, WatchesWhoeverMayTurnOutToBePromoted) {
  struct Row {
    const char* name;
    std::function<void(HandoverView&)> change;
    std::vector<Endpoint> watched;
  };
  for (const auto& [name, change, watched] : std::initializer_list<Row>{
           {"all attached", [](auto&) {}, {kB, kC}},
           {"one still copies, and may have ended before Sentinel chooses",
            [](auto& v) { v.master.replicas[1].online = false; },
            {kB, kC}},
           {"one has lost its link, and Sentinel sees it", [](auto& v) { KeepOnlyB(v); }, {kB, kC}},
           {"one is gone",
            [](auto& v) {
              KeepOnlyB(v);
              for (auto& sentinel : v.sentinels) sentinel.replicas.pop_back();
            },
            {kB}}}) {
    HandoverView view = Healthy();
    change(view);
    EXPECT_EQ(PlanHandover(view).watched, watched) << name;
  }
}

TEST(PlanHandoverTest, PromotesWhoIsNamed) {
  struct Row {
    const char* name;
    Endpoint to;
    bool passing;
    std::string refusal;
  };
  for (const auto& [name, to, passing, refusal] : std::initializer_list<Row>{
           {"a replica", kB, false, ""},
           {"one that still copies", kC, true, "10.0.0.3:6379 is still copying the data"},
           {"the master", kSelf, false, "10.0.0.1:6379 is the master"},
           {"a stranger", kS1, false, "10.0.0.7:26379 is not an attached replica of 10.0.0.1:6379"},
           {"another port", {kB.host, 1}, false, "10.0.0.2:1 is not an attached replica of 10.0.0.1:6379"},
       }) {
    HandoverView view = Healthy();
    view.master.replicas[1].online = false;
    view.to = to;
    const auto plan = PlanHandover(view);
    EXPECT_EQ(plan.refusal, refusal) << name;
    EXPECT_EQ(plan.passing, passing) << name;
  }
  HandoverView view = Healthy();
  view.to = kC;
  EXPECT_EQ(PlanHandover(view).candidates, std::vector{kC});
  for (auto& sentinel : view.sentinels) sentinel.replicas.pop_back();
  EXPECT_EQ(PlanHandover(view).refusal, "no Sentinel knows 10.0.0.3:6379 yet");
}

}  // namespace
}  // namespace redis_zk::testing::handover_plan_test
