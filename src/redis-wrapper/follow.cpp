#include "redis-wrapper/follow.h"

#include <algorithm>

namespace redis_zk::redis_wrapper {

std::optional<Endpoint> MissedMaster(const redis::ServerInfo& own, const Endpoint& self,
                                     const store::Record& record, bool succeeded) {
  if (own.role != redis::Role::kReplica || (own.link_up && !succeeded)) return std::nullopt;
  if (record.state != store::Record::State::kMaster) return std::nullopt;
  if (record.master == own.master || record.master == self) return std::nullopt;
  return record.master;
}

std::optional<Endpoint> Successor(const redis::ServerInfo& own, const Endpoint& self,
                                  const store::Record& record, bool has_led) {
  if (own.role != redis::Role::kMaster || !has_led) return std::nullopt;
  if (record.state != store::Record::State::kMaster || !record.lineage_fits) return std::nullopt;
  if (record.master == self) return std::nullopt;
  return record.master;
}

bool IsPassedOver(const Endpoint& self, const store::Record& record,
                  const std::vector<sentinel::SentinelReport>& reports, std::size_t registered) {
  if (record.state != store::Record::State::kMaster || record.master == self) return false;
  std::size_t fleet = registered;
  std::size_t votes = 0;
  for (const auto& report : reports) {
    fleet = std::max<std::size_t>(fleet, sentinel::FleetOf(report));
    // It has yet to tell the others.
    if (report.failover_in_progress) return false;
    if (!report.identified) continue;
    if (report.master == self && report.config_epoch >= store::LeastEpoch(record)) return false;
    if (report.master == record.master && !report.master_down && !report.tilt) ++votes;
  }
  return votes * 2 > fleet;
}

}  // namespace redis_zk::redis_wrapper
