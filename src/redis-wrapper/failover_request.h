// Asks the Sentinels to promote a replica of this node now, rather than when they have noticed by themselves.
//
// Loop thread only.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/time.h"
#include "failover/order.h"
#include "net/endpoint.h"
#include "options/common_options.h"
#include "redis/servers.h"
#include "sentinel/reports.h"

namespace redis_zk::redis_wrapper {

class FailoverRequest {
 public:
  // The references must outlive the request.
  FailoverRequest(const CommonOptions& options, const redis::Network& network, const Endpoint& self)
      : options_(options), network_(network), self_(self) {}

  // Asks one Sentinel after the other until one takes the order (see failover/order.h), but not again before
  // the failover could have happened. Logs what came of it. `recorded`: ZooKeeper answers, and names this
  // node; without it more than half of the Sentinels have to. Those that have noticed by themselves are left
  // alone for a while: an election may be on its way.
  void Ask(const std::vector<sentinel::Peer>& sentinels, bool recorded, const std::string& why,
           TimePoint now);

 private:
  void Log(const failover::Ordered& ordered, const std::string& why, std::size_t registered);

  const CommonOptions& options_;
  const redis::Network network_;
  const Endpoint& self_;
  TimePoint not_before_{};
  std::optional<TimePoint> noticed_at_;
  LogOnChange log_;
};

}  // namespace redis_zk::redis_wrapper
