#include "sentinel-wrapper/rescue.h"

#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <string>

namespace redis_zk::testing::rescue_test {
namespace {

using sentinel::SentinelReport;
using sentinel_wrapper::IsBehind;
using sentinel_wrapper::IsStuck;
using sentinel_wrapper::StuckView;
using store::Record;

const Endpoint kMaster{"10.0.0.1", 6379};
const Endpoint kReplica{"10.0.0.2", 6379};
const Endpoint kThird{"10.0.0.3", 6379};

Record Recorded(const Endpoint& master) { return {.state = Record::State::kMaster, .master = master}; }

SentinelReport Down() {
  return {.sentinel = {"10.0.0.9", 26379}, .master = kMaster, .quorum = 2, .master_down = true};
}
SentinelReport Up() {
  SentinelReport report = Down();
  report.master_down = false;
  return report;
}
SentinelReport FailingOver() {
  SentinelReport report = Down();
  report.failover_in_progress = true;
  return report;
}
TEST(IsStuckTest, OnlyWhereSentinelCannotHelpItself) {
  const StuckView stuck{.own = Down(),
                        .replicas = {{.endpoint = kThird, .down = true}},
                        .record = Recorded(kReplica),
                        .recorded_acts = true};
  struct Row {
    const char* name;
    std::function<void(StuckView&)> change;
    bool holds;
  };
  for (const auto& [name, change, holds] : std::initializer_list<Row>{
           {"as it is", [](auto&) {}, true},
           {"knows no replica at all", [](auto& v) { v.replicas.clear(); }, true},
           {"its master lives", [](auto& v) { v.own = Up(); }, false},
           {"it fails over", [](auto& v) { v.own = FailingOver(); }, false},
           {"a replica lives", [](auto& v) { v.replicas.push_back({.endpoint = kReplica}); }, false},
           {"a replica lives, and its epoch is the record's: nobody else moves it",
            [](auto& v) {
              v.replicas.push_back({.endpoint = kReplica});
              v.record.epoch = v.own.config_epoch = 6;
            },
            true},
           {"the record's epoch was made up", [](auto& v) { v.record.epoch = store::kMostToldEpoch + 1; },
            false},
           {"the record agrees", [](auto& v) { v.record = Recorded(kMaster); }, false},
           {"no record", [](auto& v) { v.record = {}; }, false},
           {"an unreadable record", [](auto& v) { v.record = {.state = Record::State::kUnreadable}; }, false},
           {"the recorded one does not act", [](auto& v) { v.recorded_acts = false; }, false}}) {
    StuckView view = stuck;
    change(view);
    const auto finding = IsStuck(view);
    EXPECT_EQ(finding.holds, holds) << name << ": " << finding.reason;
    EXPECT_FALSE(finding.reason.empty()) << name;
  }
}

TEST(IsBehindTest, WhenTheRecordKnowsWhatNoSentinelSaysYet) {
  Record anew = Recorded(kReplica);
  anew.epoch = 5;
  anew.origin = store::Origin::kUnelected;
  SentinelReport own = Down();
  own.config_epoch = 4;
  const StuckView missed{
      .own = own, .replicas = {{.endpoint = kReplica}}, .record = anew, .recorded_acts = true};
  struct MissedRow {
    const char* name;
    std::function<void(StuckView&)> change;
    bool holds;
  };
  for (const auto& [name, change, holds] : std::initializer_list<MissedRow>{
           {"as it is", [](auto&) {}, true},
           {"although somebody answers at its master's address", [](auto& v) { v.own.master_down = false; },
            true},
           {"although it fails over in vain", [](auto& v) { v.own.failover_in_progress = true; }, true},
           {"it has promoted one", [](auto& v) { v.replicas = {{.endpoint = kThird, .promoted = true}}; },
            false},
           {"Sentinels made that configuration", [](auto& v) { v.record.origin = store::Origin::kNamed; },
            false},
           {"its epoch was made up", [](auto& v) { v.record.epoch = store::kMostToldEpoch + 1; }, false},
           {"a failover came after it", [](auto& v) { v.own.config_epoch = 5; }, false},
           {"it knows already", [](auto& v) { v.own.master = kReplica; }, false},
           {"the new master died again", [](auto& v) { v.recorded_acts = false; }, false},
           {"no record", [](auto& v) { v.record = {}; }, false}}) {
    StuckView view = missed;
    change(view);
    const auto finding = IsBehind(view);
    EXPECT_EQ(finding.holds, holds) << name << ": " << finding.reason;
    EXPECT_FALSE(finding.reason.empty()) << name;
  }
}

}  // namespace
}  // namespace redis_zk::testing::rescue_test
