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

Monitoring MonitoringOf(const registry::Seat& seat, const Fleet& fleet) {
  Monitoring monitoring{.sentinel_id = registry::SentinelIdOf(seat.uuid),
                        .epoch = std::max(seat.epoch, FleetEpoch(fleet.seats, 0)),
                        .groups = {},
                        .peers = {}};
  for (const auto& group : fleet.groups) {
    monitoring.groups.push_back(GroupOf(group));
    monitoring.epoch = std::max(monitoring.epoch, group.record.epoch);
  }
  const auto has_seat = [&fleet](const registry::Sentinel& sentinel) {
    return std::any_of(fleet.seats.begin(), fleet.seats.end(),
                       [&sentinel](const auto& each) { return each.uuid == sentinel.uuid; });
  };
  std::set<std::string> uuids{seat.uuid};
  std::set<Endpoint> peers{seat.endpoint};
  for (const auto& sentinel : fleet.sentinels) {
    if (!has_seat(sentinel) || uuids.contains(sentinel.uuid) || peers.contains(sentinel.endpoint)) continue;
    uuids.insert(sentinel.uuid);
    peers.insert(sentinel.endpoint);
    monitoring.peers.push_back({sentinel.endpoint, registry::SentinelIdOf(sentinel.uuid)});
  }
  return monitoring;
}

}  // namespace redis_zk::sentinel_wrapper
