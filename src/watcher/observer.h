// Asks the servers of all groups how they are, on a thread of its own, so that neither the loop nor the
// record waits for one that is slow.
//
// Reads the published topology, publishes what it finds. Asks every OBSERVE_INTERVAL, and at once when the
// topology changes.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/published.h"
#include "redis/servers.h"
#include "watcher/options.h"
#include "watcher/status.h"
#include "watcher/topology.h"

namespace redis_zk::watcher {

class Observer {
 public:
  // The references must outlive the observer. `observed` is called on its thread after each
  // observation, and must only pass that on.
  Observer(const WatcherOptions& options, const redis::Network& network, const Published<Topology>& topology,
           std::function<void()> observed);
  // REQUIRES: the topology is closed. Waits for the answers under way, a second at most.
  ~Observer();
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;

  const Published<FleetStatus>& status() const { return status_; }

 private:
  void Run();
  Findings Ask(const Topology& topology);
  void AskLinks(const Topology& topology, const std::vector<Endpoint>& asked, Findings* findings);
  void LogRefusal(const Endpoint& server, const Result<redis::ServerInfo>& info);
  // Those that are new.
  void LogStrangers(const FleetStatus& status);

  const WatcherOptions& options_;
  const redis::Network network_;
  const Published<Topology>& topology_;
  const std::function<void()> observed_;
  Published<FleetStatus> status_;
  // Of its thread.
  TimePoint links_at_{};               // when the servers' clients are looked at again
  std::set<std::string> told_;         // strange Sentinels, as they were logged
  std::set<Endpoint> refusing_;        // do not answer us INFO, as it was logged
  std::set<Endpoint> refusing_links_;  // nor CLIENT LIST
  std::thread thread_;
};

}  // namespace redis_zk::watcher
