// How a daemon reaches the groups' servers and the Sentinels: over TCP, as its options say.
#pragma once

#include "net/resolver.h"
#include "options/common_options.h"
#include "redis/servers.h"

namespace redis_zk::daemon {

// Any number of threads.
class FleetNetwork {
 public:
  // `options` must outlive it.
  explicit FleetNetwork(const CommonOptions& options);

  redis::Network network() { return {servers_, sentinels_}; }
  const redis::Access& to_sentinels() const { return to_sentinels_; }

 private:
  Resolver names_;
  const redis::Access to_sentinels_;
  redis::ConnectedServers servers_;
  redis::ConnectedServers sentinels_;
};

}  // namespace redis_zk::daemon
