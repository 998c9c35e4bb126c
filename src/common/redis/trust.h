// To which addresses passwords may go: TRUSTED_NETWORKS. It holds for our own connections, and for what our
// servers log in to because we tell them its address.
//
// Any thread.
#pragma once

#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "net/endpoint.h"
#include "net/networks.h"

namespace redis_zk::redis {

class Trust {
 public:
  // Without networks, passwords may go anywhere.
  explicit Trust(Networks networks = {}) : networks_(std::move(networks)) {}

  bool Covers(std::string_view address) const { return networks_.empty() || networks_.Contain(address); }
  // For a server that another one logs in to by itself. kRefused, by kTrustedNetworks: it is outside, as a
  // host name is, which that one would look up.
  Status Check(const Endpoint& server) const;
  // The error, by kTrustedNetworks, of a connection to `address`, which is outside. Warns once of each
  // server.
  Error Withhold(const Endpoint& server, const std::string& address);

 private:
  const Networks networks_;
  std::mutex mutex_;
  std::set<Endpoint> told_;
};

}  // namespace redis_zk::redis
