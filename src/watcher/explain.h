// What every node would do now, and what would happen if the master, a Sentinel or everything died, in
// sentences: a function of what was observed. What is judged, and by which rules, is in forecast.h. Any
// thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "net/endpoint.h"
#include "watcher/status.h"
#include "watcher/topology.h"

namespace redis_zk::watcher {

// One sentence for each.
struct Outlook {
  std::string master_dies;
  std::string sentinel_dies;
  std::string everything_dies;
};

struct NodeExplanation {
  std::optional<Endpoint> node;  // nothing: the watcher that answers
  std::string role;              // master, replica, waiting, hanging, Sentinel, watcher
  std::string now;
  Outlook outlook;  // kNothingChanges: what dies is no concern of it
};
inline constexpr const char* kNothingChanges = "nothing changes for it";

struct GroupExplanation {
  Outlook outlook;  // for the group as a whole
  std::vector<NodeExplanation> nodes;
};

GroupExplanation Explain(const Topology& topology, const GroupStatus& group, TimePoint now);

// For a terminal of 80 columns.
std::string RenderText(const std::string& group, const GroupExplanation& explanation);

}  // namespace redis_zk::watcher
