#include "watcher/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <string>

#include "unit/group_scene.h"

namespace redis_zk::testing::explain_test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

struct Row {
  const char* name;
  std::function<void(GroupScene&)> spoil;
  std::string says;
};

TEST(ExplainTest, SaysWhoWouldBePromoted) {
  for (const auto& [name, spoil, says] : std::initializer_list<Row>{
           {"equals: the lowest run id", [](GroupScene&) {},
            "10.0.0.2:6379 would most likely be promoted (priority 100, about the same offset as the other "
            "one of that priority, and the lowest run id), about 2.7 s after the death; unreplicated writes "
            "would be lost: 0 bytes at the last check; a failover needs 2 of 3 known Sentinels (quorum 2), "
            "and 3 watch the master"},
           {"equals, the other run id", [](GroupScene& scene) { scene.second().run_id = "AAA"; },
            "10.0.0.3:6379 would"},
           {"asked a moment apart", [](GroupScene& scene) { scene.second().offset += 300; },
            "10.0.0.2:6379 would"},
           {"further", [](GroupScene& scene) { scene.first().offset -= 500'000; },
            "10.0.0.3:6379 would most likely be promoted (of priority 100 it has the highest offset)"},
           {"preferred, though behind",
            [](GroupScene& scene) {
              scene.first().offset -= 500'000;
              scene.first().priority = 10;
            },
            "10.0.0.2:6379 would most likely be promoted (its replica-priority 10 is the lowest), about 2.7 "
            "s after the death; unreplicated writes would be lost: 500.0 KB at the last check"},
           {"never promoted", [](GroupScene& scene) { scene.first().priority = 0; },
            "10.0.0.3:6379 would most likely be promoted (it is the only candidate)"},
           {"silent", [](GroupScene& scene) { scene.group.replicas[0].info.reset(); }, "10.0.0.3:6379 would"},
           {"unknown to all Sentinels",
            [](GroupScene& scene) {
              for (auto& sentinel : scene.group.sentinels) sentinel.replicas = {{.endpoint = kSecond}};
            },
            "10.0.0.3:6379 would"},
           {"down for all Sentinels",
            [](GroupScene& scene) {
              for (auto& sentinel : scene.group.sentinels) sentinel.replicas[0].down = true;
            },
            "10.0.0.3:6379 would"},
           {"of too old a link",
            [](GroupScene& scene) {
              scene.first().link_up = false;
              scene.first().link_down_for = 16s;
            },
            "10.0.0.3:6379 would"},
           {"the slowest down-after counts",
            [](GroupScene& scene) { scene.group.sentinels[2].report->down_after = 5s; },
            "10.0.0.2:6379 would most likely be promoted (priority 100, about the same offset as the other "
            "one of that priority, and the lowest run id), about 6.2 s"},
           {"bounded loss", [](GroupScene& scene) { scene.master().good_replicas = 2; },
            "10.0.0.2:6379 would most likely be promoted (priority 100, about the same offset as the other "
            "one of that priority, and the lowest run id), about 2.7 s after the death; unreplicated writes "
            "would be lost: 0 bytes at the last check; min-replicas-to-write limits that"},
           {"dead already, and the links with it",
            [](GroupScene& scene) {
              scene.group.master->info.reset();
              scene.group.master->silent_since = kNow - 60s;
              scene.first().link_up = scene.second().link_up = false;
              scene.first().link_down_for = scene.second().link_down_for = 61s;
            },
            "it already does not answer; 10.0.0.2:6379 would most likely be promoted"}}) {
    GroupScene scene;
    spoil(scene);
    EXPECT_THAT(scene.Explained().outlook.master_dies, StartsWith(says)) << name;
  }
}

TEST(ExplainTest, SaysWhyNobodyWouldBePromoted) {
  const std::string recovers =
      "recovery would promote the one with the best data after RECOVERY_PATIENCE, if ZooKeeper and most of "
      "the "
      "group's peers answer";
  for (const auto& [name, spoil, says] : std::initializer_list<Row>{
           {"no record", [](GroupScene& scene) { scene.group.record = {}; }, "no master is recorded"},
           {"no Sentinel", [](GroupScene& scene) { scene.group.sentinels.clear(); },
            "Sentinel would promote no replica, none is registered; " + recovers},
           {"no quorum",
            [](GroupScene& scene) {
              scene.Silence(0);
              scene.Silence(1);
            },
            "Sentinel would promote no replica: a failover needs 2 of 3 known Sentinels (quorum 2), and 1 of "
            "those "
            "registered watch the master; " +
                recovers},
           {"stale entries: a quorum, and no majority",
            [](GroupScene& scene) {
              for (auto& sentinel : scene.group.sentinels) sentinel.report->known_sentinels = 5;
            },
            "Sentinel would promote no replica: a failover needs 4 of 6 known Sentinels (quorum 2), and 3 of "
            "those "
            "registered watch the master; " +
                recovers},
           {"Sentinels that watch another",
            [](GroupScene& scene) {
              for (auto& sentinel : scene.group.sentinels) sentinel.report->master = kSecond;
            },
            "Sentinel would promote no replica: a failover needs Sentinels, and 0 of those registered watch "
            "the "
            "master; " +
                recovers},
           {"no replica", [](GroupScene& scene) { scene.group.replicas.clear(); },
            "no replica would be promoted: there is none"},
           {"none that may",
            [](GroupScene& scene) {
              scene.first().priority = 0;
              scene.group.replicas[1].info.reset();
            },
            "no replica would be promoted: 10.0.0.2:6379: its replica-priority is 0; 10.0.0.3:6379: it does "
            "not "
            "answer"},
           {"none with a copy",
            [](GroupScene& scene) {
              scene.first().priority = 0;
              scene.group.incomplete = {{kFirst, {}}};
              scene.group.replicas[1].info->loading = true;
            },
            "no replica would be promoted: 10.0.0.2:6379: it holds no complete copy of the data yet; "
            "10.0.0.3:6379: it holds no complete copy of the data yet"}}) {
    GroupScene scene;
    spoil(scene);
    EXPECT_EQ(scene.Explained().outlook.master_dies, says) << name;
  }
}

TEST(ExplainTest, CountsWhatIsLeftOfTheSentinels) {
  for (const auto& [name, spoil, says] : std::initializer_list<Row>{
           {"one may die", [](GroupScene&) {},
            "a failover would still be possible: a failover needs 2 of 3 known Sentinels (quorum 2), and 2 "
            "would "
            "be left; no further Sentinel may die"},
           {"two may die",
            [](GroupScene& scene) {
              for (auto& sentinel : scene.group.sentinels) {
                sentinel.report->quorum = 1;
                sentinel.report->known_sentinels = 0;
              }
            },
            "a failover would still be possible: a failover needs 1 of 1 known Sentinel (quorum 1), and 2 "
            "would be "
            "left; 1 more may die"},
           {"none may die", [](GroupScene& scene) { scene.Silence(2); },
            "no failover would be possible until a new Sentinel takes its identity: a failover needs 2 of 3 "
            "known "
            "Sentinels (quorum 2), and 1 would be left"},
           {"a quorum of all",
            [](GroupScene& scene) {
              for (auto& sentinel : scene.group.sentinels) sentinel.report->quorum = 3;
            },
            "no failover would be possible until a new Sentinel takes its identity: a failover needs 3 of 3 "
            "known "
            "Sentinels (quorum 3), and 2 would be left"},
           {"none at all", [](GroupScene& scene) { scene.group.sentinels.clear(); },
            "no Sentinel is registered"},
           {"too few already",
            [](GroupScene& scene) {
              scene.Silence(1);
              scene.Silence(2);
            },
            "no failover is possible even now: a failover needs 2 of 3 known Sentinels (quorum 2), and 1 "
            "watch the "
            "master"}}) {
    GroupScene scene;
    spoil(scene);
    EXPECT_EQ(scene.Explained().outlook.sentinel_dies, says) << name;
  }
}

TEST(ExplainTest, SaysWhoWouldBeginAnew) {
  for (const auto& [name, spoil, says] : std::initializer_list<Row>{
           {"all the same", [](GroupScene&) {},
            "one of 10.0.0.1:6379, 10.0.0.2:6379, 10.0.0.3:6379 would become the master, the one with the "
            "newest data on its disk: their offsets are about equal"},
           {"the replicas are behind",
            [](GroupScene& scene) { scene.first().offset = scene.second().offset = 900'000; },
            "10.0.0.1:6379 would become the master: the newest data are on its disk; the nodes that return "
            "wait"},
           {"the master takes snapshots only",
            [](GroupScene& scene) {
              scene.master().append_only = false;
              scene.master().unsaved_changes = 7;
              scene.second().offset = 900'000;
            },
            "10.0.0.2:6379 would become the master: the newest data are on its disk; 10.0.0.1:6379 would "
            "lack what was "
            "written since the last snapshot"},
           {"snapshots only",
            [](GroupScene& scene) {
              for (auto* info : {&scene.master(), &scene.first(), &scene.second()}) {
                info->append_only = false;
                info->unsaved_changes = 7;
              }
            },
            "the server with the newest snapshot would become the master; which one that is, is not known "
            "here; "},
           {"a backup alone has the newest data",
            [](GroupScene& scene) {
              scene.group.priorities = {{kFirst, 0}};
              scene.master().offset = scene.second().offset = 5;
            },
            "10.0.0.2:6379 would become the master: the newest data are on its disk; its replica-priority is "
            "0: "
            "it hands over as soon as a replica that may be promoted has its data; "},
           {"no data",
            [](GroupScene& scene) {
              for (auto* info : {&scene.master(), &scene.first(), &scene.second()}) info->keys = 0;
            },
            "no server is known to hold data: the first one to return becomes the master"},
           {"copying",
            [](GroupScene& scene) {
              scene.first().synchronising = true;
              scene.second().synchronising = true;
            },
            "10.0.0.1:6379 would become the master"}}) {
    GroupScene scene;
    spoil(scene);
    EXPECT_THAT(scene.Explained().outlook.everything_dies, StartsWith(says)) << name;
  }
  GroupScene scene;
  scene.second().replication_id = "other";
  EXPECT_THAT(
      scene.Explained().outlook.everything_dies,
      HasSubstr(
          "10.0.0.3:6379 may hold an unrelated dataset, and then no master starts before FORCE_MASTER"));
  scene.group.replicas[1].info.reset();
  EXPECT_THAT(scene.Explained().outlook.everything_dies,
              HasSubstr("servers that do not answer now are not counted"));
}

TEST(ExplainTest, SaysWhoIsNotToBeTheMaster) {
  GroupScene scene;
  scene.group.priorities = {{kMaster, 0}, {kFirst, 0}};
  EXPECT_THAT(scene.Node("10.0.0.1:6379").now, HasSubstr("its replica-priority is 0: it hands over"));
  EXPECT_EQ(scene.Node("10.0.0.2:6379").outlook.everything_dies,
            "would follow the new master: its replica-priority is 0");
  EXPECT_EQ(scene.Node("10.0.0.3:6379").outlook.everything_dies, "would become the master");
  scene.group.priorities = {{kFirst, 0}};
  scene.master().offset = scene.second().offset = 5;
  EXPECT_EQ(scene.Node("10.0.0.2:6379").outlook.everything_dies, "would become the master");
}

TEST(ExplainTest, SaysOfEveryNodeWhatItWouldDo) {
  GroupScene scene;
  scene.first().priority = 0;
  scene.group.waiting = {{.uuid = "u", .endpoint = kStarting, .data_bytes = 4700, .since = kNow - 42s}};
  scene.group.sentinels[2].report->master = kSecond;
  scene.Silence(1);
  const auto master = scene.Node("10.0.0.1:6379");
  EXPECT_EQ(master.role, "master");
  EXPECT_EQ(master.now, "serves reads and writes; 2 of 2 replicas linked to it");
  EXPECT_THAT(master.outlook.master_dies, StartsWith("no failover by Sentinel: "))
      << "one Sentinel is not enough";
  const auto first = scene.Node("10.0.0.2:6379");
  EXPECT_EQ(first.now, "serves reads; 0 bytes behind, priority 0");
  EXPECT_EQ(first.outlook.master_dies, "would not be promoted: its replica-priority is 0");
  EXPECT_EQ(first.outlook.sentinel_dies, watcher::kNothingChanges);
  EXPECT_EQ(scene.Node("10.0.0.3:6379").outlook.master_dies,
            "would stay a replica without a master until recovery promotes one");
  const auto waiting = scene.Node("10.0.0.4:6379");
  EXPECT_EQ(waiting.role, "waiting");
  EXPECT_EQ(waiting.now, "has waited for 42 s, with 4.7 KB on its disk; 10.0.0.1:6379 is recorded");
  EXPECT_EQ(waiting.outlook.everything_dies, "would become the master if its data are the newest");
  const auto sentinel = scene.Node("10.0.1.1:26379");
  EXPECT_EQ(sentinel.now, "watches the master, and 2 replicas");
  EXPECT_EQ(
      sentinel.outlook.master_dies,
      "would report it as down after 1.5 s of silence, and vote; to lead the failover it needs 2 of 3 votes");
  EXPECT_EQ(scene.Node("10.0.1.2:26379").now, "does not answer");
  EXPECT_EQ(scene.Node("10.0.1.3:26379").now, "watches 10.0.0.3:6379, not the recorded master");
  EXPECT_EQ(scene.Node("").now, "follows Sentinel 10.0.1.1:26379");
  scene.topology.following.reset();
  scene.topology.zookeeper_connected = false;
  EXPECT_THAT(scene.Node("").now,
              AllOf(HasSubstr("follows no Sentinel"), HasSubstr("ZooKeeper is unreachable")));
}

TEST(ExplainTest, IsTextForATerminal) {
  const GroupScene scene;
  const std::string text = RenderText("g", scene.Explained());
  EXPECT_THAT(text, StartsWith("g\n  now\n    master    10.0.0.1:6379   serves reads and writes;"));
  EXPECT_THAT(text, HasSubstr("\n  if the master died\n    10.0.0.2:6379 would most likely be promoted"));
  EXPECT_THAT(text, Not(HasSubstr(watcher::kNothingChanges)));
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    EXPECT_LE(end - begin, 80U) << text.substr(begin, end - begin);
    begin = end + 1;
  }
}

}  // namespace
}  // namespace redis_zk::testing::explain_test
