#include "sentinel-wrapper/groups.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace redis_zk::testing::groups_test {
namespace {

using sentinel::ReplicaReport;
using sentinel::SentinelReport;
using sentinel_wrapper::Beginning;
using sentinel_wrapper::CompareGroups;
using sentinel_wrapper::GroupAlive;
using sentinel_wrapper::GroupChanges;
using sentinel_wrapper::GroupsView;
using sentinel_wrapper::HowToBegin;
using sentinel_wrapper::MayDrop;
using sentinel_wrapper::Newer;
using store::Record;
using State = Record::State;

const Endpoint kMaster{"10.0.0.1", 6379};
const Endpoint kOther{"10.0.0.2", 6379};
const Record kRecorded{.state = State::kMaster, .master = kMaster};
const Record kNobody{};
const Record kGarbage{.state = State::kUnreadable};
const SentinelReport kReport{.master = kMaster};

TEST(CompareGroupsTest, FollowsZooKeeper) {
  struct Row {
    const char* name;
    GroupsView view;
    GroupChanges changes;
  };
  for (const auto& [name, view, changes] : std::initializer_list<Row>{
           {"nothing at all", {"a", {}, {}}, {{}, {}}},
           {"all as it should be",
            {"a", {{"a", kRecorded}, {"b", kRecorded}}, {{"a", kReport}, {"b", kReport}}},
            {{}, {}}},
           {"a new group", {"a", {{"a", kRecorded}, {"b", kRecorded}}, {{"a", kReport}}}, {{"b"}, {}}},
           {"several", {"a", {{"b", kRecorded}, {"c", kRecorded}}, {}}, {{"b", "c"}, {}}},
           {"one that has no master yet",
            {"a", {{"a", kRecorded}, {"b", kNobody}}, {{"a", kReport}}},
            {{}, {}}},
           {"one whose record is unreadable",
            {"a", {{"a", kRecorded}, {"b", kGarbage}}, {{"a", kReport}}},
            {{}, {}}},
           {"a group that is gone", {"a", {{"a", kRecorded}}, {{"a", kReport}, {"b", kReport}}}, {{}, {"b"}}},
           {"a record that was emptied",
            {"a", {{"a", kRecorded}, {"b", kNobody}}, {{"a", kReport}, {"b", kReport}}},
            {{}, {}}},
           {"a record that became unreadable",
            {"a", {{"a", kRecorded}, {"b", kGarbage}}, {{"a", kReport}, {"b", kReport}}},
            {{}, {}}},
           {"our own group is never dropped", {"a", {}, {{"a", kReport}}}, {{}, {}}},
           {"our own group was removed by somebody", {"a", {{"a", kRecorded}}, {}}, {{"a"}, {}}},
           {"one comes and one goes",
            {"a", {{"a", kRecorded}, {"c", kRecorded}}, {{"a", kReport}, {"b", kReport}}},
            {{"c"}, {"b"}}}}) {
    EXPECT_EQ(CompareGroups(view), changes) << name;
  }
}

TEST(HowToBeginTest, WaitsForSomebodyWhoLives) {
  struct Row {
    const char* name;
    GroupAlive alive;
    Beginning beginning;
  };
  for (const auto& [name, alive, beginning] :
       std::initializer_list<Row>{{"nobody", {}, Beginning::kWait},
                                  {"the master", {.master = true}, Beginning::kMonitor},
                                  {"everybody", {.master = true, .replica = true}, Beginning::kMonitor},
                                  {"a replica alone", {.replica = true}, Beginning::kRestart}}) {
    EXPECT_EQ(HowToBegin(alive), beginning) << name;
  }
}

TEST(MayDropTest, DropsTheDeadAlone) {
  SentinelReport down = kReport;
  down.master_down = true;
  SentinelReport failing_over = down;
  failing_over.failover_in_progress = true;
  const ReplicaReport living{.endpoint = kOther};
  const ReplicaReport dead{.endpoint = kOther, .down = true};
  struct Row {
    const char* name;
    SentinelReport own;
    std::vector<ReplicaReport> replicas;
    bool drops;
  };
  for (const auto& [name, own, replicas, drops] :
       std::initializer_list<Row>{{"a dead master without replicas", down, {}, true},
                                  {"everybody dead", down, {dead, dead}, true},
                                  {"the master lives", kReport, {}, false},
                                  {"the master lives, and no replica", kReport, {dead}, false},
                                  {"a replica lives", down, {dead, living}, false},
                                  {"a failover is under way", failing_over, {dead}, false}}) {
    EXPECT_EQ(MayDrop(own, replicas), drops) << name;
  }
}

TEST(NewerTest, TakesTheNewerConfiguration) {
  const auto own = [](const Endpoint& master, std::uint64_t epoch) {
    return SentinelReport{.master = master, .config_epoch = epoch};
  };
  const auto record = [](std::uint64_t epoch) {
    return Record{.state = State::kMaster, .master = kMaster, .epoch = epoch};
  };
  struct Row {
    const char* name;
    Record record;
    SentinelReport own;
    Endpoint master;
    std::uint64_t epoch;
  };
  for (const auto& [name, recorded, report, master, epoch] : std::initializer_list<Row>{
           {"they agree", record(3), own(kMaster, 3), kMaster, 3},
           {"a failover that is not recorded yet", record(3), own(kOther, 4), kOther, 4},
           {"a record that our Sentinel has not heard of", record(5), own(kOther, 4), kMaster, 5},
           {"no failover ever", record(0), own(kMaster, 0), kMaster, 0},
           {"an empty record", kNobody, own(kOther, 0), kOther, 0},
           {"an unreadable one", kGarbage, own(kOther, 2), kOther, 2}}) {
    const auto newer = Newer(recorded, report);
    EXPECT_EQ(newer.state, State::kMaster) << name;
    EXPECT_EQ(newer.master, master) << name;
    EXPECT_EQ(newer.epoch, epoch) << name;
  }
}

}  // namespace
}  // namespace redis_zk::testing::groups_test
