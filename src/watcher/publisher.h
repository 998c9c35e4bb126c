// What other threads see of the watcher: the topology, and what has happened. Publishing the one finds out
// the other.
//
// Loop thread, but for what is published.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/published.h"
#include "watcher/events.h"
#include "watcher/status.h"
#include "watcher/topology.h"

namespace redis_zk::watcher {

class Publisher {
 public:
  // `tell` hears of each event and must only pass it on.
  Publisher(const std::string& default_group, std::function<void(const Event&)> tell);

  const Published<Topology>& topology() const { return topology_; }
  const RecentEvents& events() const { return events_; }
  // For those that tell of what they do.
  RecentEvents& events() { return events_; }

  // Replaces the topology. `outages`: the masters that were missed until now. Returns the changes of masters
  // that came of it.
  std::vector<Event> Publish(Topology next, const Outages& outages);
  // The observer has looked at all servers.
  void NoteObserved(std::shared_ptr<const FleetStatus> status);
  // Ends all waits, now and in future.
  void Close();

 private:
  Published<Topology> topology_;
  RecentEvents events_;
  std::shared_ptr<const FleetStatus> observed_ = std::make_shared<const FleetStatus>();
};

// When each master was first missed: by the followed Sentinel, or by the observer.
Outages FindOutages(const Outages& called_down, const FleetStatus& observed);

}  // namespace redis_zk::watcher
