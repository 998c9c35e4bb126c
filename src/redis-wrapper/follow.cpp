#include "redis-wrapper/follow.h"

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

}  // namespace redis_zk::redis_wrapper
