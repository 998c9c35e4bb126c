// What all groups' servers and Sentinels are asked.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "net/endpoint.h"
#include "redis/servers.h"
#include "watcher/status.h"
#include "watcher/topology.h"

namespace redis_zk::watcher {

// Each server costs a descriptor while it is asked, and a process has a thousand of them.
inline constexpr std::size_t kMostAtOnce = 128;

// The endpoints in lists of kMostAtOnce.
std::vector<std::vector<Endpoint>> InTurns(const std::vector<Endpoint>& servers);

// Everything but the links. Blocks until all have answered, or had their time. `give_up` is asked between
// two turns: what was not asked by then is missing.
Findings AskFleet(const redis::Network& network, const Topology& topology, const FleetStatus& earlier,
                  const std::function<bool()>& give_up);

}  // namespace redis_zk::watcher
