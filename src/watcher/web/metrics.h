// What /metrics answers, for Prometheus: a function of values.
//
// Names follow https://prometheus.io/docs/practices/naming/. Several watchers tell the same of a group: take
// the maximum by group.
#pragma once

#include <string>
#include <vector>

#include "watcher/behaviors/behavior.h"
#include "watcher/counters.h"
#include "watcher/status.h"
#include "watcher/topology.h"
#include "watcher/web/request_counts.h"

namespace redis_zk::watcher::web {

inline constexpr const char* kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

std::string RenderMetrics(const Topology& topology, const FleetStatus& status, const Counters& counters,
                          const std::vector<BehaviorStatus>& behaviors, const RequestCounts& requests,
                          const ZooKeeperFigures& figures, TimePoint now);

}  // namespace redis_zk::watcher::web
