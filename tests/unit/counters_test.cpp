#include "watcher/counters.h"

#include <gtest/gtest.h>

#include <array>
#include <initializer_list>
#include <string>
#include <vector>

namespace redis_zk::testing::counters_test {
namespace {

using watcher::Counters;
using watcher::Event;
namespace event_kind = watcher::event_kind;

Event Changed(const std::string& group) {
  return {.kind = event_kind::kMasterChanged, .group = group, .fields = {{"from", "10.0.0.1:6379"}}};
}
Event ChangedAfter(std::int64_t outage_ms) {
  Event event = Changed("master1");
  event.fields["outage_ms"] = outage_ms;
  return event;
}

TEST(TallyTest, CountsEventsByKind) {
  Counters counters;
  for (const char* kind : {event_kind::kSentinelCame, event_kind::kSentinelCame, event_kind::kZooKeeperLost})
    Count({.kind = kind}, &counters);
  EXPECT_EQ(counters.kinds,
            (std::map<std::string, std::uint64_t>{{"sentinel-came", 2}, {"zookeeper-lost", 1}}));
  EXPECT_TRUE(counters.groups.empty());
}

TEST(TallyTest, CountsChangesOfTheMaster) {
  struct Row {
    const char* name;
    std::vector<Event> events;
    std::uint64_t changes;
    std::uint64_t outages;
    double seconds;
  };
  const Event first{.kind = event_kind::kMasterChanged, .group = "master1"};
  const Event gone{.kind = event_kind::kGroupGone, .group = "master1"};
  for (const auto& [name, events, changes, outages, seconds] : std::initializer_list<Row>{
           {"nothing", {}, 0, 0, 0},
           {"the first master is no change", {first}, 0, 0, 0},
           {"planned: nobody saw an outage", {first, Changed("master1")}, 1, 0, 0},
           {"failovers", {ChangedAfter(1500), ChangedAfter(2500)}, 2, 2, 4},
           {"of another group", {Changed("cache")}, 0, 0, 0},
           {"of a group that went and came again", {ChangedAfter(1500), gone, first}, 0, 0, 0}}) {
    Counters counters;
    for (const auto& event : events) Count(event, &counters);
    const auto& group = counters.groups["master1"];
    EXPECT_EQ(group.record_changes, changes) << name;
    std::uint64_t sum = 0;
    for (const auto count : group.outages) sum += count;
    EXPECT_EQ(sum, outages) << name;
    EXPECT_DOUBLE_EQ(group.outage_sum_seconds, seconds) << name;
  }
}

TEST(TallyTest, SortsOutagesByLength) {
  struct Row {
    const char* name;
    std::int64_t outage_ms;
    std::size_t index;
  };
  for (const auto& [name, outage_ms, index] :
       std::initializer_list<Row>{{"none at all", 0, 0},
                                  {"on a bound", 250, 0},
                                  {"just above it", 251, 1},
                                  {"a failover", 1900, 3},
                                  {"the longest bound", 120'000, watcher::kOutageBounds.size() - 1},
                                  {"beyond all bounds", 120'001, watcher::kOutageBounds.size()}}) {
    Counters counters;
    Count(ChangedAfter(outage_ms), &counters);
    EXPECT_EQ(counters.groups["master1"].outages.at(index), 1U) << name;
  }
}

}  // namespace
}  // namespace redis_zk::testing::counters_test
