#include "sentinel-wrapper/groups.h"

#include <algorithm>

namespace redis_zk::sentinel_wrapper {

using store::Record;

GroupChanges CompareGroups(const GroupsView& view) {
  GroupChanges changes;
  for (const auto& [group, record] : view.listed) {
    // One that is monitored stays so whatever its record says.
    if (record.state == Record::State::kMaster && !view.monitored.contains(group))
      changes.to_monitor.push_back(group);
  }
  for (const auto& [group, report] : view.monitored) {
    if (!view.listed.contains(group) && group != view.own_group) changes.to_drop.push_back(group);
  }
  return changes;
}

Beginning HowToBegin(const GroupAlive& alive) {
  if (alive.master) return Beginning::kMonitor;
  return alive.replica ? Beginning::kRestart : Beginning::kWait;
}

bool MayDrop(const sentinel::SentinelReport& own, const std::vector<sentinel::ReplicaReport>& replicas) {
  return own.master_down && !own.failover_in_progress &&
         std::all_of(replicas.begin(), replicas.end(), [](const auto& replica) { return replica.down; });
}

bool MayRestart(const Reports& monitored, const std::string& group) {
  return std::none_of(monitored.begin(), monitored.end(), [&group](const auto& entry) {
    return entry.first != group && entry.second.failover_in_progress;
  });
}

Record Newer(const Record& record, const sentinel::SentinelReport& own) {
  if (record.state == Record::State::kMaster && record.epoch >= own.config_epoch) return record;
  return {.state = Record::State::kMaster, .master = own.master, .epoch = own.config_epoch};
}

}  // namespace redis_zk::sentinel_wrapper
