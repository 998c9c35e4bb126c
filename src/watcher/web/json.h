// What is told as JSON. The shapes are described in docs/openapi.yaml.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "net/endpoint.h"
#include "watcher/admin.h"
#include "watcher/behaviors/behavior.h"
#include "watcher/events.h"
#include "watcher/explain.h"
#include "watcher/status.h"
#include "watcher/topology.h"

namespace redis_zk::watcher::web {

// Raised when a field of /status or of an event goes or changes its meaning; new fields do not raise it.
inline constexpr int kShapeVersion = 1;

// Text that one can wait for a change of: `version` is made of what it says, and stands in it.
struct VersionedJson {
  std::string text;
  std::string version;
};

VersionedJson RenderSentinels(const std::vector<store::Sentinel>& sentinels);
std::string RenderSentinel(const Endpoint& sentinel);

VersionedJson RenderMaster(std::string_view group, const store::Record& record);
// The same without a version: the answer to a question about one server.
std::string RenderRecordedMaster(std::string_view group, const store::Record& record);
// Of those groups that have one.
VersionedJson RenderMasters(const std::map<std::string, store::Record>& groups);

std::string RenderFailover(const AdminOutcome::FailedOver& done, std::string_view sentence);
// {"NAME":"TEXT"}
std::string RenderSentence(std::string_view name, std::string_view text);

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
