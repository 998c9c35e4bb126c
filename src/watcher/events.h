// What has happened to the groups, as this watcher saw it: a bounded history that /events streams and /status
// tells of, and functions of values that find out what happened.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/published.h"
#include "base/time.h"
#include "watcher/counters.h"
#include "watcher/event.h"
#include "watcher/status.h"
#include "watcher/topology.h"

namespace redis_zk::watcher {

// Added to by the loop, read by any thread. The history is replaced with each event, so that readers can wait
// for the next one.
class RecentEvents {
 public:
  // `tell` hears of each event, on the thread that adds it, and must only pass it on.
  explicit RecentEvents(std::function<void(const Event&)> tell = [](const Event&) {});

  void Add(Event event);
  void Add(std::vector<Event> events);

  const Published<History>& history() const { return history_; }
  // All that there have ever been, counted.
  const Published<Counters>& counters() const { return counters_; }
  // Ends all waits for events.
  void Close() { history_.Close(); }

  // The number in an id of this log; 0, before all events, for any other text, such as another process's id.
  std::uint64_t NumberOf(std::string_view id) const;

 private:
  const std::function<void(const Event&)> tell_;
  const std::string life_;
  Published<History> history_;
  Published<Counters> counters_;
};

// When the group's master was first known to be silent or called down; groups that are not there have none.
using Outages = std::map<std::string, TimePoint>;

// What happened between two topologies; nothing, when the first was not read from ZooKeeper yet.
std::vector<Event> Compare(const Topology& before, const Topology& after, const Outages& outages,
                           TimePoint now);
// Which replicas came and went between two observations.
std::vector<Event> Compare(const FleetStatus& before, const FleetStatus& after);

}  // namespace redis_zk::watcher
