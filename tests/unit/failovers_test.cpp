#include "watcher/failovers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace redis_zk::testing::failovers_test {
namespace {

using ::testing::ElementsAre;
using watcher::Event;
using watcher::FailoversIn;
using watcher::History;
using watcher::StepOf;
namespace kind = watcher::event_kind;

const Endpoint kSentinel{"10.0.1.1", 26379};

std::optional<Event> Published(const std::string& name, const std::string& payload) {
  return StepOf(sentinel::ParseSentinelEvent(name, payload).value(), kSentinel);
}

TEST(StepOfTest, SaysWhatSentinelDoes) {
  struct Row {
    const char* name;
    const char* payload;
    const char* kind;
    const char* sentence;  // after the Sentinel
  };
  for (const auto& [name, payload, kind, sentence] : std::initializer_list<Row>{
           {"+sdown", "master g 10.0.0.1 6379", kind::kMasterDown,
            "reports the master 10.0.0.1:6379 as down (s_down)"},
           {"-sdown", "master g 10.0.0.1 6379", kind::kMasterUp,
            "no longer reports the master 10.0.0.1:6379 as down"},
           {"+odown", "master g 10.0.0.1 6379 #quorum 2/2", kind::kFailoverStep,
            "has the quorum to report the master 10.0.0.1:6379 as down (o_down)"},
           {"-odown", "master g ::1 6379", kind::kFailoverStep,
            "no longer has the quorum to report the master [::1]:6379 as down"},
           {"+try-failover", "master g 10.0.0.1 6379", kind::kFailoverStep,
            "asks to lead a failover of the master 10.0.0.1:6379"},
           {"+elected-leader", "master g 10.0.0.1 6379", kind::kFailoverStep,
            "was elected to lead the failover"},
           {"+selected-slave", "slave 10.0.0.2:6379 10.0.0.2 6379 @ g 10.0.0.1 6379", kind::kFailoverStep,
            "selected the replica 10.0.0.2:6379 for promotion"},
           {"+promoted-slave", "slave 10.0.0.2:6379 10.0.0.2 6379 @ g 10.0.0.1 6379", kind::kFailoverStep,
            "promoted the replica 10.0.0.2:6379"},
           {"+config-update-from", "sentinel 0f3c 10.0.1.2 26379 @ g 10.0.0.1 6379", kind::kFailoverStep,
            "takes over the new master from Sentinel 10.0.1.2:26379, which led the failover"},
           {"+switch-master", "g 10.0.0.1 6379 10.0.0.2 6379", kind::kFailoverStep,
            "names the new master 10.0.0.2:6379"},
           {"-failover-abort-not-elected", "master g 10.0.0.1 6379", kind::kFailoverStep,
            "aborted the failover: it was not elected to lead it"},
           {"-failover-abort-no-good-slave", "master g 10.0.0.1 6379", kind::kFailoverStep,
            "aborted the failover: no replica can be promoted"},
           {"-failover-abort-slave-timeout", "master g 10.0.0.1 6379", kind::kFailoverStep,
            "aborted the failover: the selected replica did not become master in time"},
           {"-failover-abort-later", "master g 10.0.0.1 6379", kind::kFailoverStep,
            "aborted the failover: later"}}) {
    const auto step = Published(name, payload);
    ASSERT_TRUE(step) << name;
    EXPECT_EQ(step->kind, kind) << name;
    EXPECT_EQ(step->group, "g") << name;
    EXPECT_EQ(step->sentence, std::string("g: Sentinel 10.0.1.1:26379 ") + sentence);
    EXPECT_EQ(std::get<std::string>(step->fields.at("step")), name);
    EXPECT_EQ(std::get<Endpoint>(step->fields.at("sentinel")), kSentinel) << name;
  }
}

TEST(StepOfTest, LeavesOutWhatIsNoStep) {
  EXPECT_FALSE(Published("+new-epoch", "4"));
  EXPECT_FALSE(Published("+sdown", "slave 10.0.0.2:6379 10.0.0.2 6379 @ g 10.0.0.1 6379"));
  EXPECT_FALSE(Published("+sdown", "sentinel 0f3c 10.0.1.2 26379 @ g 10.0.0.1 6379"));
  EXPECT_FALSE(Published("+slave", "slave 10.0.0.2:6379 10.0.0.2 6379 @ g 10.0.0.1 6379"));
  EXPECT_FALSE(Published("+sentinel", "sentinel 0f3c 10.0.1.2 26379 @ g 10.0.0.1 6379"));
}

// An event by its Sentinel's name; "change", "first" and "follow" are the watcher's own.
Event Named(const std::string& name, const std::string& group) {
  if (name == "change")
    return {.kind = kind::kMasterChanged, .group = group, .fields = {{"from", Endpoint{"10.0.0.1", 6379}}}};
  if (name == "first") return {.kind = kind::kMasterChanged, .group = group};
  if (name == "follow") return {.kind = kind::kFollowing};
  const bool is_switch = name == "+switch-master";
  return *Published(
      name, is_switch ? group + " 10.0.0.1 6379 10.0.0.2 6379" : "master " + group + " 10.0.0.1 6379");
}

// "+sdown +odown change", for one that goes on with "..." at its end.
std::string Described(const watcher::Failover& failover) {
  std::string text;
  for (const auto* step : failover.steps) text += std::get<std::string>(step->fields.at("step")) + ' ';
  return text + (failover.change != nullptr ? "change" : failover.is_over ? "over" : "...");
}

TEST(FailoversInTest, PutsTheStepsToTheirChange) {
  struct Row {
    const char* name;
    std::vector<std::string> history;
    std::vector<std::string> failovers;
  };
  for (const auto& [name, names, expected] : std::initializer_list<Row>{
           {"nothing happened", {}, {}},
           {"the first master of a group", {"first"}, {}},
           {"a change without steps", {"change"}, {"change"}},
           {"one under way", {"+sdown", "+odown"}, {"+sdown +odown ..."}},
           {"one that is done", {"+sdown", "+odown", "change"}, {"+sdown +odown change"}},
           {"its last steps come after the record",
            {"+sdown", "change", "+switch-master"},
            {"+sdown +switch-master change"}},
           {"two", {"+sdown", "change", "+sdown", "change"}, {"+sdown change", "+sdown change"}},
           {"one done, one under way",
            {"+sdown", "change", "+switch-master", "+sdown"},
            {"+sdown +switch-master change", "+sdown ..."}},
           {"the master is back", {"+sdown", "-sdown"}, {}},
           {"it is tried again",
            {"+sdown", "+try-failover", "-failover-abort-not-elected", "+try-failover"},
            {"+sdown +try-failover -failover-abort-not-elected +try-failover ..."}},
           {"one that a person asked for", {"+try-failover", "change"}, {"+try-failover change"}},
           {"one that a person asked for, in vain", {"+try-failover", "-failover-abort-no-good-slave"}, {}},
           {"asked for after one that is done",
            {"+sdown", "change", "+try-failover"},
            {"+sdown change", "+try-failover ..."}},
           {"another Sentinel is followed", {"+sdown", "follow"}, {}},
           {"another Sentinel is followed, and tells of the end",
            {"+sdown", "follow", "change"},
            {"change"}}}) {
    History history;
    for (const auto& each : names) {
      history.push_back(Named(each, "g"));
      // Another group's are another group's.
      if (each != "follow") history.push_back(Named(each, "h"));
    }
    std::vector<std::string> found;
    for (const auto& failover : FailoversIn(history, "g")) found.push_back(Described(failover));
    EXPECT_EQ(found, expected) << name;
  }
}

}  // namespace
}  // namespace redis_zk::testing::failovers_test
