#include "sentinel-wrapper/monitoring.h"

#include <algorithm>
#include <set>

#include "store/sentinel_id.h"

namespace redis_zk::sentinel_wrapper {

namespace {

Monitoring::Group GroupOf(const Fleet::Group& seen) {
  Monitoring::Group group{.name = seen.name,
                          .master = seen.record.master,
                          .config_epoch = store::TellableEpoch(seen.record.epoch),
                          .replicas = {}};
  std::set<Endpoint> named{group.master};
  for (const auto& member : seen.members) {
    // Who is starting may become anything.
    if (member.serving && named.insert(member.endpoint).second) group.replicas.push_back(member.endpoint);
  }
  return group;
}

}  // namespace

std::vector<sentinel::Peer> PeersOf(const store::Identity& identity,
                                    const std::vector<store::Identity>& identities,
                                    const std::vector<store::Sentinel>& sentinels) {
  std::set<std::string> acquired;
  for (const auto& each : identities) acquired.insert(each.uuid);
  std::set<std::string> uuids{identity.uuid};
  std::set<Endpoint> endpoints{identity.endpoint};
  std::vector<sentinel::Peer> peers;
  for (const auto& sentinel : sentinels) {
    if (!acquired.contains(sentinel.uuid) || uuids.contains(sentinel.uuid) ||
        endpoints.contains(sentinel.endpoint)) {
      continue;
    }
    uuids.insert(sentinel.uuid);
    endpoints.insert(sentinel.endpoint);
    peers.push_back({sentinel.endpoint, store::SentinelIdOf(sentinel.uuid)});
  }
  return peers;
}

Monitoring MonitoringOf(const store::Identity& identity, const Fleet& fleet) {
  Monitoring monitoring{.sentinel_id = store::SentinelIdOf(identity.uuid),
                        .epoch = store::FleetEpoch(fleet.identities, store::TellableEpoch(identity.epoch)),
                        .groups = {},
                        .peers = PeersOf(identity, fleet.identities, fleet.sentinels)};
  for (const auto& group : fleet.groups) {
    monitoring.groups.push_back(GroupOf(group));
    monitoring.epoch = std::max(monitoring.epoch, monitoring.groups.back().config_epoch);
  }
  return monitoring;
}

}  // namespace redis_zk::sentinel_wrapper
