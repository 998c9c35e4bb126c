#include "watcher/group_state.h"

#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>

namespace redis_zk::testing::group_state_test {
namespace {

using store::Record;
using watcher::GroupStatus;
using watcher::Severity;
using watcher::StateOf;

const TimePoint kNow = TimePoint{} + 100h;
const Endpoint kMaster{"10.0.0.1", 6379};

// A group as it was seen a second ago, writable for an hour, to be spoilt by a row.
struct Scene {
  Record record{.state = Record::State::kMaster, .master = kMaster};
  GroupStatus group{.record = record,
                    .master = watcher::ServerStatus{.endpoint = kMaster,
                                                    .info = redis::ServerInfo{.role = redis::Role::kMaster}},
                    .writable = {.is = true, .since = kNow - 1h}};
  bool seen = true;
  std::optional<TimePoint> called_down{};

  void Block() { group.writable = {.is = false, .since = kNow - 3s}; }
};

TEST(StateOfTest, SaysWhetherClientsCanWrite) {
  struct Row {
    const char* name;
    std::function<void(Scene&)> spoil;
    Severity severity;
    std::optional<bool> writable;
    std::optional<Duration> since;
    const char* sentence;
  };
  for (const auto& [name, spoil, severity, writable, since, sentence] : std::initializer_list<Row>{
           {"all is well", [](Scene&) {}, Severity::kWell, true, 1h,
            "the master answers, and a replica could take over"},
           {"not asked yet", [](Scene& scene) { scene.seen = false; }, Severity::kUnknown, std::nullopt,
            std::nullopt, "the master 10.0.0.1:6379 was not asked yet"},
           {"another master since the last look",
            [](Scene& scene) {
              scene.group.record.master = {"10.0.0.2", 6379};
            },
            Severity::kUnknown, std::nullopt, std::nullopt, "the master 10.0.0.1:6379 was not asked yet"},
           {"no record",
            [](Scene& scene) {
              scene.record = scene.group.record = {};
              scene.Block();
            },
            Severity::kDown, false, 3s, "no master is recorded"},
           {"no record, never asked",
            [](Scene& scene) {
              scene.record = {};
              scene.seen = false;
            },
            Severity::kDown, false, std::nullopt, "no master is recorded"},
           {"silent",
            [](Scene& scene) {
              scene.group.master->info.reset();
              scene.Block();
            },
            Severity::kDown, false, 3s, "the master 10.0.0.1:6379 does not answer"},
           {"a replica",
            [](Scene& scene) {
              scene.group.master->info->role = redis::Role::kReplica;
              scene.group.master->info->master = {"10.0.0.2", 6379};
              scene.Block();
            },
            Severity::kDown, false, 3s, "the master 10.0.0.1:6379 is a replica of 10.0.0.2:6379"},
           {"loading",
            [](Scene& scene) {
              scene.group.master->info->loading = true;
              scene.Block();
            },
            Severity::kDown, false, 3s, "the master 10.0.0.1:6379 is loading its data"},
           {"rejects writes",
            [](Scene& scene) {
              scene.group.master->info->good_replicas = 0;
              scene.Block();
            },
            Severity::kDown, false, 3s,
            "the master 10.0.0.1:6379 rejects writes: min-replicas-to-write is set, and no replica is fit"},
           {"called down after it was seen last", [](Scene& scene) { scene.called_down = kNow - 500ms; },
            Severity::kDown, false, 500ms, "Sentinel reports the master 10.0.0.1:6379 as down"},
           {"called down, never asked",
            [](Scene& scene) {
              scene.seen = false;
              scene.called_down = kNow - 2s;
            },
            Severity::kDown, false, 2s, "Sentinel reports the master 10.0.0.1:6379 as down"},
           {"silent, and later called down",
            [](Scene& scene) {
              scene.group.master->info.reset();
              scene.Block();
              scene.called_down = kNow - 2s;
            },
            Severity::kDown, false, 3s, "the master 10.0.0.1:6379 does not answer"},
           {"called down, and later silent",
            [](Scene& scene) {
              scene.group.master->info.reset();
              scene.Block();
              scene.called_down = kNow - 4s;
            },
            Severity::kDown, false, 4s, "the master 10.0.0.1:6379 does not answer"},
           {"called down, and answers since", [](Scene& scene) { scene.called_down = kNow - 2s; },
            Severity::kAtRisk, true, 1h, "Sentinel reports the master as down, but it answers this watcher"},
           {"no failover is possible",
            [](Scene& scene) {
              scene.group.warnings = {"replica 10.0.0.2:6379 is silent", "no replica follows"};
              scene.group.risk = "no replica follows";
            },
            Severity::kAtRisk, true, 1h, "no replica follows"},
           {"a warning",
            [](Scene& scene) {
              scene.group.warnings = {"replica 10.0.0.2:6379 is 12.0 MB behind", "and more"};
            },
            Severity::kTrouble, true, 1h, "replica 10.0.0.2:6379 is 12.0 MB behind"}}) {
    Scene scene;
    spoil(scene);
    const auto state =
        StateOf(scene.record, scene.seen ? &scene.group : nullptr, kNow - 1s, scene.called_down);
    EXPECT_EQ(state.severity, severity) << name;
    EXPECT_EQ(state.writable, writable) << name;
    EXPECT_EQ(state.since, since ? std::optional(kNow - *since) : std::nullopt) << name;
    EXPECT_EQ(state.sentence, sentence) << name;
  }
}

TEST(StateOfTest, TellsWhereItMayHaveBeenSoForLonger) {
  Scene scene;
  scene.group.writable.since_first_look = true;
  EXPECT_TRUE(StateOf(scene.record, &scene.group, kNow, std::nullopt).since_first_look);
  EXPECT_FALSE(StateOf(scene.record, &scene.group, kNow - 1s, kNow).since_first_look)
      << "this was seen to begin";
}

}  // namespace
}  // namespace redis_zk::testing::group_state_test
