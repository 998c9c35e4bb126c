// Makes Sentinel prefer one replica to the others for a moment: it promotes the replica with the lowest
// replica-priority, and goes by what it saw in INFO.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/result.h"
#include "failover/settings_guard.h"
#include "net/endpoint.h"
#include "redis/servers.h"
#include "sentinel/reports.h"

namespace redis_zk::failover {

// Which priorities have to change, and to what, so that `preferred` comes first; 0 means never, and stays.
std::map<Endpoint, std::int64_t> PrioritiesFor(const Endpoint& preferred,
                                               const std::map<Endpoint, std::int64_t>& now);

// Whether a Sentinel that knows these replicas would promote `preferred`.
bool Prefers(const std::vector<sentinel::ReplicaReport>& replicas, const Endpoint& preferred);

// Sets the priorities of `replicas` so that `preferred`, one of them, comes first.
Status Prefer(redis::Servers& servers, const Endpoint& preferred, const std::vector<Endpoint>& replicas,
              SettingsGuard& guard);

}  // namespace redis_zk::failover
