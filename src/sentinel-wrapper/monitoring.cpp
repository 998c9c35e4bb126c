#include "sentinel-wrapper/monitoring.h"

#include <algorithm>
#include <set>

#include "registry/sentinel_id.h"
#include "sentinel-wrapper/seat.h"

namespace redis_zk::sentinel_wrapper {

Monitoring MonitoringOf(const registry::Record& record, const registry::Seat& seat, const Fleet& fleet) {
  Monitoring monitoring{.master = record.master,
                        .sentinel_id = registry::SentinelIdOf(seat.uuid),
                        .epoch = std::max(seat.epoch, FleetEpoch(fleet.seats, record.epoch)),
                        .config_epoch = record.epoch,
                        .replicas = {},
                        .peers = {}};
  std::set<Endpoint> replicas{record.master};
  for (const auto& member : fleet.members) {
    // Who is starting may become anything.
    if (member.serving && replicas.insert(member.endpoint).second)
      monitoring.replicas.push_back(member.endpoint);
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
