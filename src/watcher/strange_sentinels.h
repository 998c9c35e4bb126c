// Sentinels of others at our servers. Sentinels tell groups apart by name alone, so one of another deployment
// that monitors our master fails it over by its own light: functions of values.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "watcher/status.h"
#include "watcher/topology.h"

namespace redis_zk::watcher {

// How long a Sentinel must have been strange before it is told: one that starts registers a moment later.
inline constexpr Duration kStaysStrange = 15s;

// The ids of the Sentinels that are known to be ours: those of the topology, and those that registered
// Sentinels answer with, which originals have.
std::set<std::string> IdsOf(const Topology& topology, const Findings& findings);

// Those at the servers of `group` that are none of `ours`; of servers that were not asked this time as
// `earlier` had them, which may be nothing.
std::vector<StrangeSentinel> FindStrangers(const std::set<std::string>& ours, const Topology& topology,
                                           const Findings& findings, const GroupStatus& group,
                                           const GroupStatus* earlier, TimePoint now);

// "Sentinel 1a2b3c4d at 10.0.0.9, which is not registered here, monitors 10.0.0.1:6379 and may ..."
std::string Describe(const StrangeSentinel& strange);

}  // namespace redis_zk::watcher
