// What is told as JSON. The shapes are described in docs/openapi.yaml.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "net/endpoint.h"
#include "watcher/behaviors/behavior.h"
#include "watcher/events.h"
#include "watcher/explain.h"
#include "watcher/status.h"
#include "watcher/topology.h"

namespace redis_zk::watcher::web {

using Json = nlohmann::ordered_json;

// Raised when a field of /status or of an event goes or changes its meaning; new fields do not raise it.
inline constexpr int kShapeVersion = 1;

Json ToJson(const Endpoint& endpoint);

// Of one group alone, or, when that is empty, of all.
std::string RenderStatus(const Topology& topology, const FleetStatus& status, const History& history,
                         const std::vector<BehaviorStatus>& behaviors, std::string_view only_group,
                         TimePoint now);

std::string RenderExplanations(const std::map<std::string, GroupExplanation>& groups,
                               const FleetStatus& status, TimePoint now);

// What is told of an event, everywhere.
std::string RenderEventData(const Event& event);

// An event as server-sent events have it: id, event and data, and the empty line after them.
std::string RenderEvent(const Event& event);

}  // namespace redis_zk::watcher::web
