#include "watcher/events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

namespace redis_zk::testing::events_test {
namespace {

using store::Record;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using watcher::Compare;
using watcher::Event;
using watcher::FleetStatus;
using watcher::Outages;
using watcher::RecentEvents;
using watcher::Topology;
namespace kind = watcher::event_kind;

const TimePoint kNow = TimePoint{} + 100h;
const Endpoint kOld{"10.0.0.1", 6379};
const Endpoint kNew{"10.0.0.2", 6379};

Topology Calm() {
  Topology topology{.default_group = "g",
                    .sentinels = {{"u1", {"10.0.1.1", 26379}}},
                    .known_at = kNow - 12s,
                    .zookeeper_connected = true,
                    .following = Endpoint{"10.0.1.1", 26379}};
  topology.groups["g"] =
      Record{.state = Record::State::kMaster, .master = kOld, .epoch = 3, .reason = "before"};
  return topology;
}

std::vector<std::string> SentencesOf(const std::vector<Event>& events) {
  std::vector<std::string> sentences;
  for (const auto& event : events) sentences.push_back(event.sentence);
  return sentences;
}

TEST(CompareTest, TellsWhatHappened) {
  const Record next{
      .state = Record::State::kMaster, .master = kNew, .epoch = 4, .reason = "a Sentinel says so"};
  struct Row {
    const char* name;
    std::function<void(Topology& before, Topology& after)> change;
    std::vector<std::string> sentences;
  };
  for (const auto& [name, change, sentences] : std::initializer_list<Row>{
           {"nothing", [](auto&, auto&) {}, {}},
           {"a failover",
            [&](auto&, auto& after) { after.groups["g"] = next; },
            {"g: the master is 10.0.0.2:6379, before 10.0.0.1:6379, after an outage of 2.5 s: a Sentinel says so"}},
           {"the first master",
            [&](auto& before, auto& after) {
              before.groups["g"] = {};
              after.groups["g"] = next;
            },
            {"g: the master is 10.0.0.2:6379: a Sentinel says so"}},
           {"a newer epoch of the same master", [](auto&, auto& after) { after.groups["g"].epoch = 4; }, {}},
           {"the record is emptied", [](auto&, auto& after) { after.groups["g"] = {}; }, {}},
           {"a group comes",
            [&](auto&, auto& after) { after.groups["h"] = next; },
            {"group h was added", "h: the master is 10.0.0.2:6379: a Sentinel says so"}},
           {"a group goes", [](auto&, auto& after) { after.groups.clear(); }, {"group g was removed"}},
           {"a Sentinel comes",
            [](auto&, auto& after) { after.sentinels.push_back({"u2", {"10.0.1.2", 26379}}); },
            {"Sentinel 10.0.1.2:26379 is registered"}},
           {"a Sentinel goes, and another is followed",
            [](auto& before, auto& after) {
              before.sentinels.push_back({"u2", {"10.0.1.2", 26379}});
              after.following = Endpoint{"10.0.1.3", 26379};
            },
            {"Sentinel 10.0.1.2:26379 is no longer registered", "Sentinel 10.0.1.3:26379 is followed"}},
           {"a Sentinel is lost", [](auto&, auto& after) { after.following.reset(); }, {}},
           {"a Sentinel moves",
            [](auto&, auto& after) { after.sentinels[0].endpoint.port = 1; },
            {"Sentinel 10.0.1.1:26379 is no longer registered", "Sentinel 10.0.1.1:1 is registered"}},
           {"ZooKeeper leaves", [](auto&, auto& after) { after.zookeeper_connected = false; }, {"ZooKeeper is unreachable"}},
           {"ZooKeeper returns",
            [](auto& before, auto&) { before.zookeeper_connected = false; },
            {"ZooKeeper is reachable again after 12 s"}},
           {"the first look",
            [&](auto& before, auto& after) {
              before = Topology{.default_group = "g"};
              after.groups["g"] = next;
            },
            {}}}) {
    Topology before = Calm();
    Topology after = Calm();
    change(before, after);
    EXPECT_EQ(SentencesOf(Compare(before, after, Outages{{"g", kNow - 2500ms}}, kNow)), sentences) << name;
  }
}

TEST(CompareTest, TellsAFailoverInFields) {
  Topology after = Calm();
  after.groups["g"] = {.state = Record::State::kMaster, .master = kNew, .epoch = 4, .reason = "why"};
  const auto failover = Compare(Calm(), after, Outages{{"g", kNow - 2500ms}}, kNow);
  ASSERT_EQ(failover.size(), 1U);
  const decltype(Event::fields) fields{{"epoch", 4},
                                       {"from", Endpoint{"10.0.0.1", 6379}},
                                       {"outage_ms", 2500},
                                       {"reason", "why"},
                                       {"to", Endpoint{"10.0.0.2", 6379}}};
  EXPECT_EQ(failover.front().kind, kind::kMasterChanged);
  EXPECT_EQ(failover.front().group, "g");
  EXPECT_EQ(failover.front().fields, fields);
  EXPECT_FALSE(Compare(Calm(), after, {}, kNow).front().fields.contains("outage_ms")) << "a planned stop";
}

TEST(CompareTest, TellsWhichReplicasCameAndWent) {
  const redis::ServerInfo kAnswer{.role = redis::Role::kReplica};
  struct Row {
    const char* name;
    std::function<void(FleetStatus& before, FleetStatus& after)> change;
    std::vector<std::string> sentences;
  };
  for (const auto& [name, change, sentences] : std::initializer_list<Row>{
           {"nothing", [](auto&, auto&) {}, {}},
           {"one is silent",
            [](auto&, auto&after) { after.groups["g"].replicas[0].info.reset(); },
            {"g: replica 10.0.0.2:6379 no longer answers"}},
           {"one is no longer listed",
            [](auto&, auto&after) { after.groups["g"].replicas.clear(); },
            {"g: replica 10.0.0.2:6379 no longer answers"}},
           {"one answers",
            [](auto&before, auto&) { before.groups["g"].replicas[0].info.reset(); },
            {"g: replica 10.0.0.2:6379 answers"}},
           {"one becomes the master",
            [](auto&, auto&after) {
              after.groups["g"].replicas.clear();
              after.groups["g"].record.master = kNew;
            },
            {}},
           {"the first look", [](auto&before, auto&) { before.groups.clear(); }, {}}}) {
    FleetStatus before;
    before.groups["g"].record = {.state = Record::State::kMaster, .master = kOld};
    before.groups["g"].replicas = {{.endpoint = kNew, .info = kAnswer}};
    FleetStatus after = before;
    change(before, after);
    EXPECT_EQ(SentencesOf(Compare(before, after)), sentences) << name;
  }
}

TEST(CompareTest, NamesAChangeOfTheMasterAlikeEverywhere) {
  Topology after = Calm();
  after.groups["g"].master = kNew;
  after.groups["g"].epoch = 4;
  after.groups["g"].version = 17;
  const auto events = Compare(Calm(), after, {}, kNow);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].key, "g:4:17");
}

TEST(RecentEventsTest, KeepsTheLastThreeHundred) {
  RecentEvents log;
  for (int i = 0; i < 350; ++i) log.Add({.kind = kind::kCleanUp});
  const auto history = log.history().Get();
  ASSERT_EQ(history->size(), 300U);
  EXPECT_EQ(history->front().number, 51U);
  EXPECT_EQ(history->back().number, 350U);
  EXPECT_GT(history->back().time, 0);
}

TEST(RecentEventsTest, TellsOfEachEvent) {
  std::vector<std::string> told;
  RecentEvents log([&told](const Event& event) { told.push_back(event.id + " " + event.key); });
  log.Add({.kind = kind::kFollowing});
  log.Add(Event{.key = "g:4:9", .kind = kind::kMasterChanged});
  const auto history = log.history().Get();
  EXPECT_THAT(told,
              ElementsAre(history->front().id + " " + history->front().id, history->back().id + " g:4:9"));
}

TEST(RecentEventsTest, KnowsItsOwnIds) {
  RecentEvents log;
  log.Add(std::vector<Event>{{.kind = kind::kFollowing}, {.kind = kind::kCleanUp}});
  const auto history = log.history().Get();
  ASSERT_EQ(history->size(), 2U);
  EXPECT_EQ(log.NumberOf(history->back().id), 2U);
  for (const std::string& foreign :
       {std::string(), std::string("2"), std::string("1-2"), history->back().id + "x",
        "x" + history->back().id, history->back().id.substr(0, history->back().id.size() - 1)})
    EXPECT_EQ(log.NumberOf(foreign), 0U) << foreign;
}

TEST(RecentEventsTest, WakesThoseWhoWait) {
  RecentEvents log;
  const auto seen = log.history().Get();
  EXPECT_EQ(log.history().GetNext(seen, Clock::now()), seen);
  log.Add({.kind = kind::kCleanUp});
  EXPECT_NE(log.history().GetNext(seen, Clock::now()), seen);
  log.Close();
  EXPECT_TRUE(log.history().closed());
}

}  // namespace
}  // namespace redis_zk::testing::events_test
