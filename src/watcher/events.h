// What has happened to the groups, as this watcher saw it: a bounded history that /events streams and /status
// tells of, and functions of values that find out what happened.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/published.h"
#include "base/time.h"
#include "watcher/status.h"
#include "watcher/topology.h"

namespace redis_zk::watcher {

struct Event {
  // Given by the log.
  std::uint64_t number = 0;  // ascending from 1
  std::string id;            // "1764000000000-17": when the log began, and the number
  std::int64_t time = 0;     // milliseconds since 1970

  std::string kind;   // one of event_kind
  std::string group;  // empty: it concerns none
  std::map<std::string, std::variant<std::int64_t, std::string>> fields;
  std::string sentence;
};

namespace event_kind {
inline constexpr const char* kMasterChanged = "master-changed";  // to, epoch, reason; from, outage_ms
inline constexpr const char* kGroupCame = "group-came";
inline constexpr const char* kGroupGone = "group-gone";
inline constexpr const char* kSentinelCame = "sentinel-came";  // sentinel
inline constexpr const char* kSentinelGone = "sentinel-gone";  // sentinel
inline constexpr const char* kReplicaCame = "replica-came";    // replica
inline constexpr const char* kReplicaGone = "replica-gone";    // replica
inline constexpr const char* kFollowing = "following";         // sentinel
inline constexpr const char* kZooKeeperLost = "zookeeper-lost";
inline constexpr const char* kZooKeeperBack = "zookeeper-back";  // away_ms
inline constexpr const char* kCleanUp = "clean-up";
}  // namespace event_kind

// The last events, oldest first.
using History = std::vector<Event>;

// Added to by the loop, read by any thread. The history is replaced with each event, so that readers can wait
// for the next one.
class EventLog {
 public:
  EventLog();

  void Add(Event event);
  void Add(std::vector<Event> events);

  const Published<History>& history() const { return history_; }
  // Ends all waits for events.
  void Close() { history_.Close(); }

  // The number in an id of this log; 0, before all events, for any other text, such as another process's id.
  std::uint64_t NumberOf(std::string_view id) const;

 private:
  const std::string life_;
  Published<History> history_;
};

// When the group's master was first known to be silent or called down; groups that are not there have none.
using Outages = std::map<std::string, TimePoint>;

// What happened between two topologies; nothing, when the first was not read from ZooKeeper yet.
std::vector<Event> Compare(const Topology& before, const Topology& after, const Outages& outages,
                           TimePoint now);
// Which replicas came and went between two observations.
std::vector<Event> Compare(const FleetStatus& before, const FleetStatus& after);

}  // namespace redis_zk::watcher
