// Whether a running replica has to be pointed at another master: a function of values.
//
// Sentinel does this for the replicas it knows. It does not know one whose master died before Sentinel saw
// them together, and that replica would wait for a dead address for ever.
#pragma once

#include <optional>

#include "net/endpoint.h"
#include "redis/server_info.h"
#include "registry/record.h"

namespace redis_zk::redis_wrapper {

// The recorded master, when `own` is a replica without a link to another one. The caller checks that it acts
// as master before it redirects.
std::optional<Endpoint> MissedMaster(const redis::ServerInfo& own, const Endpoint& self,
                                     const registry::Record& record);

}  // namespace redis_zk::redis_wrapper
