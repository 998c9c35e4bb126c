#include "watcher/forecast.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "unit/group_scene.h"

namespace redis_zk::testing::forecast_test {
namespace {

using ::testing::StartsWith;
using watcher::Foresee;
using watcher::OnDisk;

// Of the replica kFirst; empty: it could be promoted.
std::string ObstacleIn(const GroupScene& scene) {
  const auto obstacles = Foresee(scene.group, kNow).succession.obstacles;
  const auto found = obstacles.find(kFirst);
  return found == obstacles.end() ? "" : found->second;
}

TEST(ForecastTest, SaysWhatKeepsAReplicaFromPromotion) {
  struct Row {
    const char* name;
    std::function<void(GroupScene&)> spoil;
    const char* obstacle;
  };
  for (const auto& [name, spoil, obstacle] : std::initializer_list<Row>{
           {"healthy", [](GroupScene&) {}, ""},
           {"silent", [](GroupScene& s) { s.group.replicas[0].info.reset(); }, "it does not answer"},
           {"a second master", [](GroupScene& s) { s.first().role = redis::Role::kMaster; },
            "it acts as a master already"},
           {"loads", [](GroupScene& s) { s.first().loading = true; },
            "it holds no complete copy of the data yet"},
           {"copies", [](GroupScene& s) { s.first().synchronising = true; },
            "it holds no complete copy of the data yet"},
           {"of priority 0 by its wrapper",
            [](GroupScene& s) {
              s.first().priority = 0;
              s.group.incomplete = {{kFirst, kNow}};
            },
            "it holds no complete copy of the data yet"},
           {"of priority 0 by its user", [](GroupScene& s) { s.first().priority = 0; },
            "its replica-priority is 0"},
           {"incomplete once, and promotable again",
            [](GroupScene& s) {
              s.group.incomplete = {{kFirst, kNow}};
            },
            ""},
           {"in no Sentinel's table",
            [](GroupScene& s) {
              for (auto& sentinel : s.group.sentinels) sentinel.replicas = {{.endpoint = kSecond}};
            },
            "no Sentinel sees it"},
           {"seen by one Sentinel",
            [](GroupScene& s) {
              s.group.sentinels[0].replicas[0].down = true;
              s.group.sentinels[1].replicas.clear();
            },
            ""},
           {"without a link for as long as Sentinel bears",
            [](GroupScene& s) { s.first().link_down_for = 15s; }, ""},
           {"without a link for longer", [](GroupScene& s) { s.first().link_down_for = 16s; },
            "its link to the master has been down for 16 s, so Sentinel refuses it"},
           {"without a link since the master died",
            [](GroupScene& s) {
              s.first().link_down_for = 70s;
              s.group.master->info.reset();
              s.group.master->silent_since = kNow - 60s;
            },
            ""}}) {
    GroupScene scene;
    spoil(scene);
    if (std::string(obstacle).empty()) {
      EXPECT_EQ(ObstacleIn(scene), "") << name;
    } else {
      EXPECT_THAT(ObstacleIn(scene), StartsWith(obstacle)) << name;
    }
  }
}

TEST(ForecastTest, FailsOverOnlyWithAnElectionAndACandidate) {
  GroupScene scene;
  auto forecast = Foresee(scene.group, kNow);
  EXPECT_TRUE(forecast.fails_over());
  EXPECT_EQ(forecast.succession.candidate, &scene.group.replicas[0]);
  EXPECT_TRUE(forecast.election.possible_without(1));
  EXPECT_FALSE(forecast.election.possible_without(2));

  scene.Silence(0);
  scene.Silence(1);
  forecast = Foresee(scene.group, kNow);
  EXPECT_FALSE(forecast.fails_over()) << "one Sentinel of three";
  EXPECT_NE(forecast.succession.candidate, nullptr);

  GroupScene without;
  without.group.replicas.clear();
  forecast = Foresee(without.group, kNow);
  EXPECT_FALSE(forecast.fails_over()) << "no replica";
  EXPECT_TRUE(forecast.election.possible_without(0));
}

TEST(ForecastTest, KnowsWhatAServerHasOnItsDisk) {
  struct Row {
    const char* name;
    std::function<void(redis::ServerInfo&)> change;
    OnDisk on_disk;
  };
  for (const auto& [name, change, on_disk] : std::initializer_list<Row>{
           {"an append-only file", [](auto&) {}, OnDisk::kAll},
           {"no key", [](auto& info) { info.keys = 0; }, OnDisk::kNothing},
           {"an old copy, while it loads", [](auto& info) { info.loading = true; }, OnDisk::kCopying},
           {"an old copy, while it copies", [](auto& info) { info.synchronising = true; }, OnDisk::kCopying},
           {"a snapshot of all", [](auto& info) { info.append_only = false; }, OnDisk::kAll},
           {"a snapshot, and writes since",
            [](auto& info) {
              info.append_only = false;
              info.unsaved_changes = 1;
            },
            OnDisk::kIncomplete}}) {
    GroupScene scene;
    change(scene.first());
    EXPECT_EQ(FindOnDisk(scene.group.replicas[0]), on_disk) << name;
  }
  EXPECT_EQ(watcher::FindOnDisk({.endpoint = kFirst}), OnDisk::kUnknown);
}

std::vector<Endpoint> EndpointsOf(const std::vector<const watcher::ServerStatus*>& servers) {
  std::vector<Endpoint> endpoints;
  for (const auto* server : servers) endpoints.push_back(server->endpoint);
  return endpoints;
}

TEST(ForecastTest, SortsTheDisksForAColdStart) {
  struct Row {
    const char* name;
    std::function<void(GroupScene&)> spoil;
    std::vector<Endpoint> newest, snapshots, others;
    bool any_data = true;
    bool any_unknown = false;
    std::vector<Endpoint> backups{};
  };
  const auto lone_master = [](GroupScene& s) { s.master().replication_id = "lone"; };
  for (const auto& row : std::initializer_list<Row>{
           {"all alike", [](GroupScene&) {}, {kMaster, kFirst, kSecond}, {}, {}},
           {"a copy that is behind",
            [](GroupScene& s) { s.second().offset -= 5000; },
            {kMaster, kFirst},
            {},
            {}},
           {"a copy behind by what is written in between",
            [](GroupScene& s) { s.second().offset -= 4000; },
            {kMaster, kFirst, kSecond},
            {},
            {}},
           {"a snapshot among append-only files",
            [](GroupScene& s) {
              s.first().append_only = false;
              s.first().unsaved_changes = 3;
            },
            {kMaster, kSecond},
            {kFirst},
            {}},
           {"the master's data count, though others go further",
            [&](GroupScene& s) {
              lone_master(s);
              s.master().offset = 5;
            },
            {kMaster},
            {},
            {kFirst, kSecond}},
           {"without a master, those that go furthest count",
            [&](GroupScene& s) {
              s.group.master->info.reset();
              s.second().replication_id = "other";
              s.second().offset += 9000;
            },
            {kSecond},
            {},
            {kFirst},
            true,
            true},
           {"a master without data has no say",
            [&](GroupScene& s) {
              lone_master(s);
              s.master().keys = 0;
            },
            {kFirst, kSecond},
            {},
            {}},
           {"a backup, and others",
            [](GroupScene& s) {
              s.group.priorities = {{kFirst, 0}, {kSecond, 10}};
            },
            {kMaster, kSecond},
            {},
            {},
            true,
            false,
            {kFirst}},
           {"a backup alone has the newest",
            [](GroupScene& s) {
              s.group.priorities = {{kFirst, 0}};
              s.master().offset = s.second().offset = 5;
            },
            {kFirst},
            {},
            {}},
           {"backups alone have the newest",
            [](GroupScene& s) {
              s.group.priorities = {{kMaster, 0}, {kFirst, 0}};
              s.second().offset = 5;
            },
            {kMaster, kFirst},
            {},
            {}},
           {"nothing anywhere",
            [](GroupScene& s) { s.master().keys = s.first().keys = s.second().keys = 0; },
            {},
            {},
            {},
            false}}) {
    GroupScene scene;
    row.spoil(scene);
    const auto found = Foresee(scene.group, kNow).cold_start;
    EXPECT_EQ(EndpointsOf(found.newest), row.newest) << row.name;
    EXPECT_EQ(EndpointsOf(found.snapshots), row.snapshots) << row.name;
    EXPECT_EQ(EndpointsOf(found.others), row.others) << row.name;
    EXPECT_EQ(EndpointsOf(found.backups), row.backups) << row.name;
    EXPECT_EQ(found.any_data, row.any_data) << row.name;
    EXPECT_EQ(found.any_unknown, row.any_unknown) << row.name;
  }
}

}  // namespace
}  // namespace redis_zk::testing::forecast_test
