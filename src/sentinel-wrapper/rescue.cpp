#include "sentinel-wrapper/rescue.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "store/ownership.h"

namespace redis_zk::sentinel_wrapper {

namespace {

Finding No(std::string reason) { return {false, std::move(reason)}; }

bool Names(const store::Record& record, const Endpoint& master) {
  return record.state == store::Record::State::kMaster && record.master == master;
}

// A replica with a copy of the group's data that Sentinel would promote.
bool CanTakeOver(const redis::ServerInfo& info, const BlindView& view) {
  return info.role == redis::Role::kReplica && !info.loading && !info.synchronising && info.priority != 0 &&
         (store::IsKnown(info.replication_id, view.history, view.datasets) ||
          store::IsKnown(info.previous_replication_id, view.history, view.datasets));
}

}  // namespace

bool HasChosen(const std::vector<sentinel::ReplicaReport>& replicas) {
  return std::any_of(replicas.begin(), replicas.end(), [](const auto& replica) { return replica.promoted; });
}

bool IsPromotable(const sentinel::ReplicaReport& replica) { return !replica.down && replica.priority != 0; }

Finding IsBlind(const BlindView& view) {
  const auto& own = view.own;
  if (!own.master_down) return No("its master is not down");
  if (own.failover_in_progress) return No("it is failing over");
  if (!Names(view.record, own.master)) return No("the record names another master");
  if (view.recorded_answers) return No("the recorded master answers");
  for (const auto& replica : view.replicas) {
    if (IsPromotable(replica)) return No(fmt::format("it can promote {}", replica.endpoint.ToAddress()));
  }
  for (const auto& [member, info] : view.members) {
    const bool known = std::any_of(
        view.replicas.begin(), view.replicas.end(),
        [&endpoint = member.endpoint](const auto& replica) { return replica.endpoint == endpoint; });
    if (known || !member.serving || member.endpoint == own.master || !info || !CanTakeOver(*info, view))
      continue;
    return {true,
            fmt::format("its master {} is down, it knows no replica to promote, and {} has the group's data",
                        own.master.ToAddress(), member.endpoint.ToAddress())};
  }
  return No("it knows every running replica with the group's data");
}

Finding HasMissedColdStart(const StuckView& view) {
  const auto& own = view.own;
  if (view.record.state != store::Record::State::kMaster || !view.record.cold_start)
    return No("there was no recovery and no cold start");
  if (view.record.epoch <= own.config_epoch) return No("Sentinel knows a newer configuration");
  if (view.record.master == own.master) return No("the record names the same master");
  if (HasChosen(view.replicas)) return No("it has chosen a replica");
  if (!view.recorded_acts) return No("the recorded master does not answer as master");
  return {true, fmt::format("a recovery or a cold start made {} the master, and Sentinel still names {}",
                            view.record.master.ToAddress(), own.master.ToAddress())};
}

Finding IsStuck(const StuckView& view) {
  const auto& own = view.own;
  if (!own.master_down) return No("its master is not down");
  if (own.failover_in_progress) return No("it is failing over");
  if (view.record.state != store::Record::State::kMaster) return No("the record names no master");
  if (view.record.master == own.master) return No("the record names the same master");
  // A hello of the same epoch does not move it, and alone it has no quorum for what it could promote.
  const bool same_epoch = view.record.epoch > 0 && view.record.epoch == own.config_epoch;
  for (const auto& replica : view.replicas) {
    if (!replica.down && !same_epoch)
      return No(fmt::format("it can promote {}", replica.endpoint.ToAddress()));
  }
  if (!view.recorded_acts) return No("the recorded master does not answer as master");
  return {true, fmt::format(
                    "its master {} is down, {}, and the record names {}, which acts as master",
                    own.master.ToAddress(),
                    same_epoch ? "its configuration has the record's epoch" : "it knows no reachable replica",
                    view.record.master.ToAddress())};
}

}  // namespace redis_zk::sentinel_wrapper
