#include "redis/handover.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace redis_zk::testing {
namespace {

using redis::PlanHandOver;
using redis::ReplicaOf;
using redis::Role;
using redis::SentinelReport;
using redis::ServerInfo;

const Endpoint kSelf{"10.0.0.1", 6379};
const Endpoint kB{"10.0.0.2", 6379};
const Endpoint kC{"10.0.0.3", 6379};
const Endpoint kS1{"10.0.0.7", 26379};
const Endpoint kS2{"10.0.0.8", 26379};

SentinelReport Able(const Endpoint& sentinel) {
  return {.sentinel = sentinel, .master = kSelf, .known_replicas = 2};
}

TEST(PlanHandOverTest, BeginsOnlyWhereItCanEnd) {
  const ServerInfo master{.role = Role::kMaster, .replicas = {{kB, true, 5}, {kC, true, 5}}};
  SentinelReport busy = Able(kS1);
  busy.failover_in_progress = true;
  SentinelReport elsewhere = Able(kS1);
  elsewhere.master = kB;
  SentinelReport fresh = Able(kS1);
  fresh.known_replicas = 0;
  struct Row {
    const char* name;
    ServerInfo own;
    std::vector<SentinelReport> reports;
    std::vector<Endpoint> replicas;
    std::vector<Endpoint> sentinels;
    std::string refusal;
  };
  const std::string busy_sentinel = "Sentinel 10.0.0.7:26379 fails over already";
  const std::string no_sentinel = "no Sentinel was found that could promote a replica";
  for (const auto& [name, own, reports, replicas, sentinels, refusal] : std::initializer_list<Row>{
           {"healthy", master, {Able(kS1), Able(kS2)}, {kB, kC}, {kS2, kS1}, ""},
           {"one replica still copies",
            {.role = Role::kMaster, .replicas = {{kB, true, 5}, {kC, false, 0}}},
            {Able(kS1)},
            {kB},
            {kS1},
            ""},
           {"a replica", {.role = Role::kReplica}, {Able(kS1)}, {}, {}, "this node is a replica"},
           {"alone", {.role = Role::kMaster}, {Able(kS1)}, {}, {}, "no replica is attached"},
           {"all still copy",
            {.role = Role::kMaster, .replicas = {{kB, false, 0}}},
            {Able(kS1)},
            {},
            {},
            "no replica is attached"},
           {"no Sentinel answers", master, {}, {kB, kC}, {}, no_sentinel},
           {"a Sentinel fails over already", master, {busy}, {kB, kC}, {kS1}, busy_sentinel},
           {"it follows another master", master, {elsewhere}, {kB, kC}, {}, no_sentinel},
           {"it knows no replica yet", master, {fresh}, {kB, kC}, {}, no_sentinel},
           {"one of two fails over already", master, {busy, Able(kS2)}, {kB, kC}, {kS2, kS1}, busy_sentinel},
           {"one of two follows another master", master, {elsewhere, Able(kS2)}, {kB, kC}, {kS2}, ""},
       }) {
    const auto plan = PlanHandOver(own, kSelf, reports);
    EXPECT_EQ(plan.replicas, replicas) << name;
    EXPECT_EQ(plan.sentinels, sentinels) << name;
    EXPECT_EQ(plan.refusal, refusal) << name;
  }
}

TEST(LeaveOutIncompleteTest, KeepsThoseThatMayTakeOver) {
  const ServerInfo good{.role = Role::kReplica};
  const ServerInfo loading{.role = Role::kReplica, .loading = true, .priority = 0};
  const ServerInfo copying{.role = Role::kReplica, .priority = 0, .synchronising = true};
  const ServerInfo never{.role = Role::kReplica, .priority = 0};
  const Result<ServerInfo> silent = Fail(ErrorKind::kTimeout, "no answer");
  struct Row {
    const char* name;
    std::vector<Result<ServerInfo>> infos;
    std::optional<Endpoint> to;
    std::vector<Endpoint> replicas;
    std::string refusal;
  };
  const std::string none_may = "no attached replica can be promoted: their replica-priority is 0";
  for (const auto& [name, infos, to, replicas, refusal] : std::initializer_list<Row>{
           {"all are good", {good, good}, {}, {kB, kC}, ""},
           {"one loads", {good, loading}, {}, {kB}, ""},
           {"one copies", {copying, good}, {}, {kC}, ""},
           {"both do", {copying, loading}, {}, {}, "every attached replica still copies the data"},
           {"the one that is named does", {good, loading}, kC, {kB}, "10.0.0.3:6379 still copies the data"},
           {"another one than is named does", {good, loading}, kB, {kB}, ""},
           {"a backup has to catch up, too", {good, never}, {}, {kB, kC}, ""},
           {"nothing but backups", {never, never}, {}, {kB, kC}, none_may},
           {"a backup, and one that loads", {never, loading}, {}, {kB}, none_may},
           {"one is silent", {never, silent}, {}, {kB, kC}, ""}}) {
    redis::HandOverPlan plan{.replicas = {kB, kC}, .sentinels = {kS1}, .refusal = ""};
    redis::LeaveOutIncomplete(infos, to, &plan);
    EXPECT_EQ(plan.replicas, replicas) << name;
    EXPECT_EQ(plan.refusal, refusal) << name;
  }
}

TEST(PlanHandOverTest, TakesMostSentinelsWhereZooKeeperIsSilent) {
  const ServerInfo master{.role = Role::kMaster, .replicas = {{kB, true, 5}}};
  SentinelReport elsewhere = Able(kS2);
  elsewhere.master = kB;
  EXPECT_EQ(PlanHandOver(master, kSelf, {Able(kS1), Able(kS2)}, std::nullopt, 2).refusal, "");
  for (const auto& reports : {std::vector{Able(kS1)}, std::vector{Able(kS1), elsewhere}}) {
    EXPECT_EQ(PlanHandOver(master, kSelf, reports, std::nullopt, 1).refusal, "");
    EXPECT_EQ(
        PlanHandOver(master, kSelf, reports, std::nullopt, 2).refusal,
        "ZooKeeper does not say that this is the master, and of the 2 Sentinels that have to, only 1 do");
  }
}

TEST(FindUnattachedTest, NamesWhomSentinelCouldPromoteAllTheSame) {
  using Known = std::vector<redis::ReplicaReport>;
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
    EXPECT_EQ(redis::FindUnattached(attached, known), found) << name;
}

TEST(PlanHandOverTest, PromotesWhoIsNamed) {
  const ServerInfo master{.role = Role::kMaster, .replicas = {{kB, true, 5}, {kC, false, 0}}};
  struct Row {
    const char* name;
    Endpoint to;
    std::string refusal;
  };
  for (const auto& [name, to, refusal] : std::initializer_list<Row>{
           {"a replica", kB, ""},
           {"one that still copies", kC, "10.0.0.3:6379 still copies the data"},
           {"the master", kSelf, "10.0.0.1:6379 is the master"},
           {"a stranger", kS1, "10.0.0.7:26379 is no replica that is attached to 10.0.0.1:6379"},
           {"another port", {kB.host, 1}, "10.0.0.2:1 is no replica that is attached to 10.0.0.1:6379"},
       })
    EXPECT_EQ(PlanHandOver(master, kSelf, {Able(kS1)}, to).refusal, refusal) << name;
}

}  // namespace
}  // namespace redis_zk::testing
