#include "watcher/condition.h"

#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>

#include "watcher/web/json.h"

namespace redis_zk::testing::condition_test {
namespace {

using Json = nlohmann::json;
using redis::Role;
using watcher::Condition;
using watcher::GroupStatus;
using watcher::Level;

const TimePoint kNow = TimePoint{} + 100h;
const Endpoint kMaster{"10.0.0.1", 6379};
const Endpoint kReplica{"::2", 6379};
const Endpoint kStranger{"10.0.0.9", 6379};

GroupStatus Healthy() {
  GroupStatus group{.record = {.state = store::Record::State::kMaster, .master = kMaster, .epoch = 3}};
  redis::ServerInfo info{.role = Role::kMaster, .keys = 7, .used_memory = 1'500'000, .max_memory = 3'000'000};
  info.replication_id = "id";
  info.offset = 50'000'000;
  group.master = {.endpoint = kMaster, .info = info};
  info.role = Role::kReplica;
  info.master = kMaster;
  info.link_up = true;
  group.replicas = {{.endpoint = kReplica, .info = info}};
  group.sentinels = {{.endpoint = {"10.0.1.1", 26379},
                      .report = sentinel::SentinelReport{
                          .master = kMaster, .config_epoch = 3, .known_replicas = 1, .quorum = 1}}};
  return group;
}

struct Row {
  const char* name;
  std::function<void(GroupStatus&)> spoil;
  Level level;
  const char* state;
};

TEST(ConditionTest, OfAReplica) {
  const auto info = [](GroupStatus& group) -> redis::ServerInfo& { return *group.replicas[0].info; };
  for (const auto& [name, spoil, level, state] : std::initializer_list<Row>{
           {"in step", [](auto&) {}, Level::kGood, "in step"},
           {"a little behind", [&](auto& group) { info(group).offset -= 1500; }, Level::kGood,
            "1.5 KB behind"},
           {"far behind", [&](auto& group) { info(group).offset -= 12'000'000; }, Level::kBad,
            "12.0 MB behind"},
           {"another history", [&](auto& group) { info(group).replication_id = "x"; }, Level::kPlain,
            "lag unknown"},
           {"a second master", [&](auto& group) { info(group).role = Role::kMaster; }, Level::kBad,
            "acts as master"},
           {"loading", [&](auto& group) { info(group).loading = true; }, Level::kBad, "loads its data"},
           {"copying", [&](auto& group) { info(group).synchronising = true; }, Level::kBad,
            "copies the data"},
           {"elsewhere", [&](auto& group) { info(group).master = kStranger; }, Level::kBad,
            "follows 10.0.0.9:6379"},
           {"no link",
            [&](auto& group) {
              info(group).link_up = false;
              info(group).link_down_for = 5s;
            },
            Level::kBad, "no link for 5 s"},
           {"silent",
            [](auto& group) { group.replicas[0] = {.endpoint = kReplica, .silent_since = kNow - 90s}; },
            Level::kBad, "silent for 90 s"}}) {
    GroupStatus group = Healthy();
    spoil(group);
    const Condition found = ConditionOfReplica(group, group.replicas[0], kNow);
    EXPECT_EQ(found.state, state) << name;
    EXPECT_EQ(found.level, level) << name;
    EXPECT_EQ(found.warning.empty(), level != Level::kBad) << name;
  }
}

TEST(ConditionTest, OfASentinel) {
  const auto report = [](GroupStatus & group) -> auto& { return *group.sentinels[0].report; };
  for (const auto& [name, spoil, level, state] : std::initializer_list<Row>{
           {"agrees", [](auto&) {}, Level::kGood, "agrees"},
           {"another master", [&](auto& group) { report(group).master = kStranger; }, Level::kBad,
            "reports 10.0.0.9:6379"},
           {"no record", [](auto& group) { group.record = {}; }, Level::kPlain, "reports 10.0.0.1:6379"},
           {"a failover", [&](auto& group) { report(group).failover_in_progress = true; }, Level::kBad,
            "runs a failover"},
           {"down", [&](auto& group) { report(group).master_down = true; }, Level::kBad,
            "reports it as down"},
           {"stale entries", [&](auto& group) { report(group).known_sentinels = 1; }, Level::kBad,
            "knows 2 Sentinels"},
           {"unknown peers", [](auto& group) { group.sentinels.resize(3); }, Level::kBad,
            "knows 1 of 3 Sentinels"},
           {"silent", [](auto& group) { group.sentinels[0] = {.error = "does not answer"}; }, Level::kBad,
            "does not answer"}}) {
    GroupStatus group = Healthy();
    spoil(group);
    const Condition found = ConditionOfSentinel(group, group.sentinels[0]);
    EXPECT_EQ(found.state, state) << name;
    EXPECT_EQ(found.level, level) << name;
    EXPECT_EQ(found.warning.empty(), level != Level::kBad) << name;
  }
}

TEST(ConditionTest, StandsInTheStatus) {
  watcher::Topology topology{.default_group = "g"};
  watcher::FleetStatus status{.observed_at = kNow - 300ms};
  status.groups["g"] = Healthy();
  status.groups["g"].replicas[0] = {
      .endpoint = kReplica, .error = "[::2]:6379: no answer", .silent_since = kNow - 7s};
  topology.groups["g"] = status.groups["g"].record;
  topology.waiting["g"] = {{.uuid = "u", .endpoint = kStranger, .since = kNow - 2s}};
  const auto told = Json::parse(watcher::web::RenderStatus(topology, status, {}, {}, "", kNow));
  const auto words = [](const Json& server) {
    return Json::array({server["address"], server["level"], server["state"], server["details"]});
  };
  const Json& group = told["groups"][0];
  EXPECT_EQ(told["observed"], "as of 0.3 s ago");
  EXPECT_EQ(group["summary"], "master 10.0.0.1:6379, 0 of 1 replica attached, 1 of 1 Sentinel agree");
  EXPECT_EQ(words(group["master"]),
            Json::array({"10.0.0.1:6379", "good", "answers", "7 keys, 1.5 MB of 3.0 MB"}));
  EXPECT_EQ(words(group["replicas"][0]), Json::array({"[::2]:6379", "bad", "silent for 7 s", "no answer"}));
  EXPECT_EQ(words(group["waiting"][0]),
            Json::array({"10.0.0.9:6379", "plain", "waits for 2 s", "no data on its disk"}));
  EXPECT_EQ(words(group["sentinels"][0]),
            Json::array({"10.0.1.1:26379", "good", "agrees", "quorum 1, 1 replica, 0 peers"}));
}

TEST(ConditionTest, OfAGroupStandsInTheStatus) {
  watcher::Topology topology{.default_group = "g", .following = Endpoint{"10.0.1.1", 26379}};
  watcher::FleetStatus status{.observed_at = kNow - 300ms};
  status.groups["g"] = Healthy();
  status.groups["g"].writable = {.is = true, .since = kNow - 7s, .since_first_look = true};
  topology.groups["g"] = status.groups["g"].record;
  const auto tell = [&](const watcher::History& history) {
    return Json::parse(watcher::web::RenderStatus(topology, status, history, {}, "", kNow))["groups"][0];
  };
  Json group = tell({});
  EXPECT_EQ(group["state"], (Json{{"severity", "well"},
                                  {"writable", true},
                                  {"for_ms", 7000},
                                  {"at_least", true},
                                  {"sentence", "the master answers, and a replica could take over"}}));
  EXPECT_EQ(group["failover"], nullptr);

  topology.called_down["g"] = kNow - 100ms;
  const watcher::Event down{.time = 5,
                            .kind = watcher::event_kind::kMasterDown,
                            .group = "g",
                            .fields = {{"sentinel", Endpoint{"10.0.1.1", 26379}}, {"step", "+sdown"}},
                            .sentence = "g: Sentinel 10.0.1.1:26379 says so"};
  group = tell({down});
  EXPECT_EQ(group["state"]["severity"], "down");
  EXPECT_EQ(group["state"]["for_ms"], 100);
  const Json& step = group["failover"]["steps"][0];
  EXPECT_EQ(step["sentence"], "Sentinel 10.0.1.1:26379 says so") << "the group is known";
  EXPECT_EQ(step["sentinel"]["address"], "10.0.1.1:26379");

  const watcher::Event changed{.kind = watcher::event_kind::kMasterChanged,
                               .group = "g",
                               .fields = {{"from", kStranger}, {"to", kMaster}},
                               .sentence = "g: the master is another"};
  group = tell({down, changed});
  EXPECT_EQ(group["failover"], nullptr);
  EXPECT_EQ(group["failovers"][0]["steps"][0]["step"], "+sdown");
  topology.following.reset();
  EXPECT_EQ(tell({down})["failover"], nullptr) << "no Sentinel tells how it goes on";
}

}  // namespace
}  // namespace redis_zk::testing::condition_test
