#include "failover/preference.h"

#include <fmt/core.h>

#include <algorithm>

#include "redis/server_info.h"

namespace redis_zk::failover {

std::map<Endpoint, std::int64_t> PrioritiesFor(const Endpoint& preferred,
                                               const std::map<Endpoint, std::int64_t>& now) {
  std::map<Endpoint, std::int64_t> changes;
  for (const auto& [replica, priority] : now) {
    if (priority == 0) continue;
    if (replica == preferred && priority != kPreferredPriority) changes[replica] = kPreferredPriority;
    if (replica != preferred && priority == kPreferredPriority) changes[replica] = kOtherPriority;
  }
  return changes;
}

bool Prefers(const std::vector<sentinel::ReplicaReport>& replicas, const Endpoint& preferred) {
  const auto found = std::find_if(replicas.begin(), replicas.end(),
                                  [&](const auto& replica) { return replica.endpoint == preferred; });
  if (found == replicas.end() || found->down || !found->master_link_up || found->priority == 0) return false;
  return std::all_of(replicas.begin(), replicas.end(), [&](const auto& replica) {
    return &replica == &*found || replica.priority == 0 || replica.priority > found->priority;
  });
}

Status Prefer(redis::Servers& servers, const Endpoint& preferred, const std::vector<Endpoint>& replicas,
              SettingsGuard& guard) {
  std::map<Endpoint, std::int64_t> now;
  const auto infos = servers.AskInfos(replicas);
  for (std::size_t i = 0; i < replicas.size(); ++i) {
    if (!infos[i]) return tl::unexpected(infos[i].error());
    now[replicas[i]] = infos[i]->priority;
  }
  if (now.at(preferred) == 0) {
    return Fail(ErrorKind::kInvalid,
                fmt::format("{} cannot be promoted: its replica-priority is 0", preferred.ToAddress()));
  }
  for (const auto& [replica, priority] : PrioritiesFor(preferred, now)) {
    auto set = guard.Set(TemporarySetting::kReplicaPriority, replica, now.at(replica), priority);
    if (!set) return set;
  }
  return {};
}

}  // namespace redis_zk::failover
