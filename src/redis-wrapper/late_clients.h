// Clients that come to a node after its demotion: a Sentinel that has not heard of it sends them here.
//
// Decides only; who owns it asks the Sentinels and closes the connections.
#pragma once

#include <cstddef>
#include <optional>

#include "base/time.h"
#include "redis/server_info.h"

namespace redis_zk::redis_wrapper {

class LateClients {
 public:
  // How long after a demotion a Sentinel may still not have heard of it: it was frozen or cut off.
  static constexpr Duration kComeWithin = 60s;

  // What the Sentinels said at one look.
  struct Seen {
    std::size_t aware = 0;    // of the demotion
    std::size_t unaware = 0;  // they name this node, or have not ended the failover
    std::size_t registered = 0;
  };

  // At each look at the own server; whether the Sentinels have to be looked at.
  bool Expects(redis::Role role, TimePoint now);
  // REQUIRES: they are expected. Whether to disconnect all clients now.
  bool ShouldDisconnect(const Seen& seen, TimePoint now);

 private:
  bool was_master_ = false;
  std::optional<TimePoint> until_;
  std::size_t aware_ = 0;             // at the last look
  std::size_t disconnected_for_ = 0;  // how many were aware when the clients were disconnected last
};

}  // namespace redis_zk::redis_wrapper
