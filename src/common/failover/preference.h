// Makes Sentinel prefer one replica to the others for a moment.
//
// Sentinel promotes the replica with the lowest replica-priority, and goes by what it saw in INFO: as long as
// this one lives, the priorities are others.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "net/endpoint.h"
#include "redis/servers.h"
#include "sentinel/reports.h"

namespace redis_zk::failover {

// Which priorities have to change, and to what, so that `preferred` comes first; 0 means never, and stays.
std::map<Endpoint, std::int64_t> PrioritiesFor(const Endpoint& preferred,
                                               const std::map<Endpoint, std::int64_t>& now);

// Whether a Sentinel that knows these replicas would promote `preferred`.
bool Prefers(const std::vector<sentinel::ReplicaReport>& replicas, const Endpoint& preferred);

class Preference {
 public:
  // The references must outlive it.
  Preference(const redis::Network& network, const std::string& group, const Endpoint& preferred)
      : network_(network), group_(group), preferred_(preferred) {}
  // Restores the priorities; of who does not answer, it warns.
  ~Preference();
  Preference(const Preference&) = delete;
  Preference& operator=(const Preference&) = delete;

  // Waits until `sentinel` has seen it: as long as its INFO period, twelve seconds at most. `pause(until)`
  // waits a moment, and says whether to go on.
  Status Set(const std::vector<Endpoint>& replicas, const Endpoint& sentinel,
             const std::function<bool(TimePoint until)>& pause) const;

 private:
  const redis::Network network_;
  const std::string& group_;
  const Endpoint& preferred_;
  mutable std::map<Endpoint, std::int64_t> before_;  // of those that were changed
};

}  // namespace redis_zk::failover
