#include "sentinel-wrapper/rescue.h"

#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

namespace redis_zk::testing {
namespace {

using sentinel::ReplicaReport;
using sentinel::SentinelReport;
using sentinel_wrapper::BlindView;
using sentinel_wrapper::HasMissedRecord;
using sentinel_wrapper::IsBlind;
using sentinel_wrapper::IsStuck;
using sentinel_wrapper::NudgeView;
using sentinel_wrapper::PauseAfterNudge;
using sentinel_wrapper::RaisedDownAfter;
using sentinel_wrapper::ShouldNudge;
using sentinel_wrapper::StuckView;
using store::Member;
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
SentinelReport Naming(const Endpoint& master) {
  SentinelReport report = Down();
  report.master = master;
  return report;
}

// Three Sentinels that hold the master for dead, ours the first, and a living replica.
NudgeView Dead() {
  return {.uuid = "a",
          .sentinels = {{"a", Down()}, {"b", Down()}, {"c", Down()}},
          .record = Recorded(kMaster),
          .members = {{.uuid = "m", .endpoint = kReplica}},
          .replicas = {{.endpoint = kReplica}},
          .quiet_for = 3s,
          .nudges = 0,
          .since_last_nudge = {}};
}

TEST(ShouldNudgeTest, NudgesWhereNobodyActs) {
  struct Row {
    const char* name;
    std::function<void(NudgeView&)> change;
    bool nudges;
  };
  for (const auto& [name, change, nudges] : std::initializer_list<Row>{
           {"as it is", [](auto&) {}, true},
           {"in whatever order", [](auto& v) { std::swap(v.sentinels[0], v.sentinels[2]); }, true},
           {"at the moment", [](auto& v) { v.quiet_for = 2s; }, true},
           {"too early", [](auto& v) { v.quiet_for = 1999ms; }, false},
           {"ours is not the first", [](auto& v) { v.uuid = "b"; }, false},
           {"the first does not answer",
            [](auto& v) {
              v.uuid = "b";
              v.sentinels[0].report.reset();
            },
            true},
           {"the first sees a master that lives",
            [](auto& v) {
              v.uuid = "b";
              v.sentinels[0].report = Up();
            },
            true},
           {"ours does not answer", [](auto& v) { v.sentinels[0].report.reset(); }, false},
           {"ours sees a master that lives", [](auto& v) { v.sentinels[0].report = Up(); }, false},
           {"ours is not registered", [](auto& v) { v.uuid = "d"; }, false},
           {"nobody is registered", [](auto& v) { v.sentinels.clear(); }, false},
           {"one sees a master that lives", [](auto& v) { v.sentinels[1].report = Up(); }, true},
           {"below the quorum",
            [](auto& v) {
              v.sentinels[1].report = Up();
              v.sentinels[2].report.reset();
            },
            false},
           {"a quorum of one",
            [](auto& v) {
              v.sentinels.resize(1);
              v.sentinels[0].report->quorum = 1;
            },
            true},
           {"ours fails over", [](auto& v) { v.sentinels[0].report = FailingOver(); }, false},
           {"another fails over", [](auto& v) { v.sentinels[2].report = FailingOver(); }, false},
           {"another has long lost its election",
            [](auto& v) {
              v.sentinels[2] = {"c", FailingOver(), 2s};
            },
            true},
           {"ours is in TILT", [](auto& v) { v.sentinels[0].report->tilt = true; }, false},
           {"the first is in TILT",
            [](auto& v) {
              v.uuid = "b";
              v.sentinels[0].report->tilt = true;
            },
            true},
           {"another is in an election",
            [](auto& v) {
              v.sentinels[2] = {"c", FailingOver(), 1999ms};
            },
            false},
           {"ours has long lost its election",
            [](auto& v) {
              v.sentinels[0] = {"a", FailingOver(), 3s};
            },
            false},
           {"the first has long lost its election, ours is the second",
            [](auto& v) {
              v.uuid = "b";
              v.sentinels[0] = {"a", FailingOver(), 3s};
            },
            true},
           {"another has failed over", [](auto& v) { v.sentinels[2].report = Naming(kReplica); }, false},
           {"the record has moved on", [](auto& v) { v.record = Recorded(kReplica); }, false},
           {"no record", [](auto& v) { v.record = {}; }, false},
           {"nobody to promote", [](auto& v) { v.members.clear(); }, false},
           {"nobody who answers", [](auto& v) { v.replicas[0].down = true; }, false},
           {"nobody whom Sentinel knows", [](auto& v) { v.replicas.clear(); }, false},
           {"nobody registered who answers", [](auto& v) { v.replicas[0].endpoint = kThird; }, false},
           {"nobody but the master",
            [](auto& v) { v.members[0].endpoint = v.replicas[0].endpoint = kMaster; }, false},
           {"nobody who was asked yet", [](auto& v) { v.replicas[0].asked = false; }, false},
           {"just nudged",
            [](auto& v) {
              v.nudges = 1;
              v.since_last_nudge = 4s;
            },
            false},
           {"nudged a while ago",
            [](auto& v) {
              v.nudges = 1;
              v.since_last_nudge = 5s;
            },
            true},
           {"nudged often",
            [](auto& v) {
              v.nudges = 3;
              v.since_last_nudge = 19s;
            },
            false}}) {
    NudgeView view = Dead();
    change(view);
    const auto finding = ShouldNudge(view);
    EXPECT_EQ(finding.holds, nudges) << name << ": " << finding.reason;
    EXPECT_FALSE(finding.reason.empty()) << name;
  }
}

// Ours was restarted in its turn, a moment ago.
SentinelReport Restarted() {
  SentinelReport report = Up();
  report.master_connected = false;
  return report;
}

TEST(ShouldNudgeTest, ARestartedSentinelNeedNotFindOutAgain) {
  NudgeView restarted = Dead();
  restarted.sentinels[0].report = Restarted();
  restarted.quiet_for = 0s;
  restarted.restarted = true;
  struct Row {
    const char* name;
    std::function<void(NudgeView&)> change;
    bool nudges;
  };
  for (const auto& [name, change, nudges] : std::initializer_list<Row>{
           {"as it is", [](auto&) {}, true},
           {"ours is not the first",
            [](auto& v) {
              v.uuid = "b";
              v.sentinels[1].report = Restarted();
              v.sentinels[0].report = Down();
            },
            true},
           {"without a turn", [](auto& v) { v.restarted = false; }, false},
           {"it reaches the master", [](auto& v) { v.sentinels[0].report->master_connected = true; }, false},
           {"another one does not hold it for dead either",
            [](auto& v) { v.sentinels[1].report = v.sentinels[2].report = Restarted(); }, false},
           {"with one other it is a quorum", [](auto& v) { v.sentinels[1].report = Up(); }, true},
           {"another fails over", [](auto& v) { v.sentinels[2].report = FailingOver(); }, false},
           {"another has failed over", [](auto& v) { v.sentinels[2].report = Naming(kReplica); }, false},
           {"it has not asked the replica yet", [](auto& v) { v.replicas[0].asked = false; }, false},
           {"the replica does not answer it", [](auto& v) { v.replicas[0].down = true; }, false}}) {
    NudgeView view = restarted;
    change(view);
    const auto finding = ShouldNudge(view);
    EXPECT_EQ(finding.holds, nudges) << name << ": " << finding.reason;
    EXPECT_FALSE(finding.reason.empty()) << name;
  }
}

TEST(ShouldNudgeTest, LeavesSentinelAloneForLongerEachTime) {
  EXPECT_EQ(PauseAfterNudge(0), 5s);
  EXPECT_EQ(PauseAfterNudge(1), 5s);
  EXPECT_EQ(PauseAfterNudge(2), 10s);
  EXPECT_EQ(PauseAfterNudge(4), 40s);
  EXPECT_EQ(PauseAfterNudge(5), 60s);
  EXPECT_EQ(PauseAfterNudge(1000), 60s);
}

ReplicaReport Without(Duration master) { return {.endpoint = kReplica, .master_link_down_for = master}; }
ReplicaReport DeadReplica(Duration master) {
  return {.endpoint = kReplica, .down = true, .master_link_down_for = master};
}

TEST(RaisedDownAfterTest, SparesTheFreshestReplicaAndThoseBesideIt) {
  struct Row {
    const char* name;
    std::vector<ReplicaReport> replicas;
    std::optional<Duration> raised;
  };
  for (const auto& [name, replicas, raised] :
       std::initializer_list<Row>{{"nobody", {}, {}},
                                  {"taken as it is", {Without(10s)}, {}},
                                  {"one of them taken as it is", {Without(60s), Without(0s)}, {}},
                                  {"a minute", {Without(60s)}, 7500ms},
                                  {"the freshest counts", {Without(3600s), Without(60s)}, 7500ms},
                                  {"the dead do not", {DeadReplica(0s), Without(60s)}, 7500ms},
                                  {"only dead ones", {DeadReplica(60s)}, {}}}) {
    EXPECT_EQ(RaisedDownAfter(1s, replicas), raised) << name;
  }
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

redis::ServerInfo CopyOf(const std::string& replication_id) {
  redis::ServerInfo info;
  info.role = redis::Role::kReplica;
  info.replication_id = replication_id;
  return info;
}

TEST(IsBlindTest, WhereAReplicaWithTheDataLivesThatSentinelDoesNotKnow) {
  const BlindView blind{.own = Down(),
                        .replicas = {},
                        .record = Recorded(kMaster),
                        .members = {{{.uuid = "m", .endpoint = kReplica, .serving = true}, CopyOf("now")}},
                        .history = {.replication_id = "now", .ancestors = {{"before", 7}}},
                        .datasets = {{.node = "n", .dataset = {.replication_id = "on-disk"}}}};
  struct Row {
    const char* name;
    std::function<void(BlindView&)> change;
    bool holds;
  };
  for (const auto& [name, change, holds] : std::initializer_list<Row>{
           {"as it is", [](auto&) {}, true},
           {"it knows a dead one", [](auto& v) { v.replicas = {{.endpoint = kThird, .down = true}}; }, true},
           {"it knows one that may never be promoted",
            [](auto& v) { v.replicas = {{.endpoint = kThird, .priority = 0}}; }, true},
           {"it knows one that it can promote", [](auto& v) { v.replicas = {{.endpoint = kThird}}; }, false},
           {"it knows this one and does not reach it",
            [](auto& v) { v.replicas = {{.endpoint = kReplica, .down = true}}; }, false},
           {"it knows this one with an old priority",
            [](auto& v) { v.replicas = {{.endpoint = kReplica, .priority = 0}}; }, false},
           {"its master lives", [](auto& v) { v.own = Up(); }, false},
           {"it fails over", [](auto& v) { v.own = FailingOver(); }, false},
           {"the record names another", [](auto& v) { v.record = Recorded(kThird); }, false},
           {"no record", [](auto& v) { v.record = {}; }, false},
           {"the master answers us", [](auto& v) { v.recorded_answers = true; }, false},
           {"nobody is registered", [](auto& v) { v.members.clear(); }, false},
           {"the only one waits for its role", [](auto& v) { v.members[0].member.serving = false; }, false},
           {"it does not answer", [](auto& v) { v.members[0].info.reset(); }, false},
           {"it is registered at the master's address",
            [](auto& v) { v.members[0].member.endpoint = kMaster; }, false},
           {"it is a master", [](auto& v) { v.members[0].info->role = redis::Role::kMaster; }, false},
           {"it loads", [](auto& v) { v.members[0].info->loading = true; }, false},
           {"it still copies", [](auto& v) { v.members[0].info->synchronising = true; }, false},
           {"it may never be promoted", [](auto& v) { v.members[0].info->priority = 0; }, false},
           {"its data are of another origin", [](auto& v) { v.members[0].info = CopyOf("else"); }, false},
           {"its data have no name", [](auto& v) { v.members[0].info = CopyOf(""); }, false},
           {"data with the group's earlier name", [](auto& v) { v.members[0].info = CopyOf("before"); },
            true},
           {"data as they stand on a disk", [](auto& v) { v.members[0].info = CopyOf("on-disk"); }, true},
           {"data of a promotion that was not written down",
            [](auto& v) {
              v.members[0].info = CopyOf("newer");
              v.members[0].info->previous_replication_id = "now";
            },
            true},
           {"the second of two",
            [](auto& v) {
              v.members.push_back(v.members[0]);
              v.members[0].info.reset();
              v.members[1].member.endpoint = kThird;
            },
            true}}) {
    BlindView view = blind;
    change(view);
    const auto finding = IsBlind(view);
    EXPECT_EQ(finding.holds, holds) << name << ": " << finding.reason;
    EXPECT_FALSE(finding.reason.empty()) << name;
  }
}

TEST(HasMissedRecordTest, WhenTheRecordKnowsMoreThanSentinelWillHearOf) {
  Record anew = Recorded(kReplica);
  anew.epoch = 5;
  anew.cold_start = true;
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
           {"Sentinels made that configuration", [](auto& v) { v.record.cold_start = false; }, true},
           {"Sentinels made that configuration, and its master lives",
            [](auto& v) {
              v.record.cold_start = false;
              v.own.master_down = false;
            },
            false},
           {"a failover came after it", [](auto& v) { v.own.config_epoch = 5; }, false},
           {"it knows already", [](auto& v) { v.own.master = kReplica; }, false},
           {"the new master died again", [](auto& v) { v.recorded_acts = false; }, false},
           {"no record", [](auto& v) { v.record = {}; }, false}}) {
    StuckView view = missed;
    change(view);
    const auto finding = HasMissedRecord(view);
    EXPECT_EQ(finding.holds, holds) << name << ": " << finding.reason;
    EXPECT_FALSE(finding.reason.empty()) << name;
  }
}

}  // namespace
}  // namespace redis_zk::testing
