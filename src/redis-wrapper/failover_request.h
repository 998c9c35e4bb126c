// Asks the Sentinels to promote a replica of this node now, rather than when they have noticed by themselves.
//
// Loop thread only.
#pragma once

#include <string>
#include <vector>

#include "base/log.h"
#include "base/time.h"
#include "config/common_options.h"
#include "net/endpoint.h"

namespace redis_zk::redis_wrapper {

class FailoverRequest {
 public:
  // The references must outlive the request.
  FailoverRequest(const CommonOptions& options, const Endpoint& self) : options_(options), self_(self) {}

  // Asks one Sentinel after the other until one takes the order, but not again before the failover could have
  // happened. Logs what came of it. `recorded`: ZooKeeper answers, and names this node; without it more than
  // half of the Sentinels have to, for on the smaller side of a cut an order, which needs no votes, would
  // promote a second master beside that of the larger side, in the same epoch.
  void Ask(const std::vector<Endpoint>& sentinels, bool recorded, const std::string& why, TimePoint now);

 private:
  const CommonOptions& options_;
  const Endpoint& self_;
  TimePoint not_before_{};
  LogOnChange log_;
};

}  // namespace redis_zk::redis_wrapper
