#include "sentinel-wrapper/monitoring.h"

#include <algorithm>
#include <set>

#include "registry/sentinel_id.h"
#include "sentinel-wrapper/seat.h"

namespace redis_zk::sentinel_wrapper {

namespace {

Monitoring::Group GroupOf(const Fleet::Group& seen) {
  Monitoring::Group group{
      .name = seen.name, .master = seen.record.master, .config_epoch = seen.record.epoch, .replicas = {}};
  std::set<Endpoint> named{group.master};
  for (const auto& member : seen.members) {
    // Who is starting may become anything.
    if (member.serving && named.insert(member.endpoint).second) group.replicas.push_back(member.endpoint);
  }
  return group;
}

}  // namespace

std::vector<redis::Peer> PeersOf(const registry::Seat& seat, const std::vector<registry::Seat>& seats,
                                 const std::vector<registry::Sentinel>& sentinels) {
  std::set<std::string> seated;
  for (const auto& each : seats) seated.insert(each.uuid);
  std::set<std::string> uuids{seat.uuid};
  std::set<Endpoint> endpoints{seat.endpoint};
  std::vector<redis::Peer> peers;
  for (const auto& sentinel : sentinels) {
    if (!seated.contains(sentinel.uuid) || uuids.contains(sentinel.uuid) ||
        endpoints.contains(sentinel.endpoint)) {
      continue;
    }
    uuids.insert(sentinel.uuid);
    endpoints.insert(sentinel.endpoint);
    peers.push_back({sentinel.endpoint, registry::SentinelIdOf(sentinel.uuid)});
  }
  return peers;
}

Monitoring MonitoringOf(const registry::Seat& seat, const Fleet& fleet) {
  Monitoring monitoring{.sentinel_id = registry::SentinelIdOf(seat.uuid),
                        .epoch = std::max(seat.epoch, FleetEpoch(fleet.seats, 0)),
                        .groups = {},
                        .peers = PeersOf(seat, fleet.seats, fleet.sentinels)};
  for (const auto& group : fleet.groups) {
    monitoring.groups.push_back(GroupOf(group));
    monitoring.epoch = std::max(monitoring.epoch, group.record.epoch);
  }
  return monitoring;
}

}  // namespace redis_zk::sentinel_wrapper
