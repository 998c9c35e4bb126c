// Makes Sentinels give up a failover that they were ordered to run, so that nothing is promoted any more: by
// a failover-timeout that has passed, or, in TILT, by making them forget the order.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "failover/settings_guard.h"
#include "net/endpoint.h"
#include "redis/servers.h"
#include "sentinel/reports.h"

namespace redis_zk::failover {

// Which of these acts as a master.
std::optional<Endpoint> FindMasterAmong(redis::Servers& servers, const std::vector<Endpoint>& replicas);

// The end of this is the end of the changed failover-timeouts.
class CallOff {
 public:
  struct Terms {
    std::string group;
    Endpoint master;                        // the old one
    std::vector<sentinel::Peer> sentinels;  // all that are registered
    std::vector<Endpoint> asked;            // those that may still act
    std::vector<Endpoint> promotable;
  };
  CallOff(const redis::Network& network, Terms terms)
      : network_(network), terms_(std::move(terms)), guard_(network, terms_.group) {}

  struct Seen {
    std::optional<Endpoint> promoted{};  // it was quicker
    bool decided = false;                // nothing is promoted any more
    std::string why{};                   // one sentence, unless promoted
  };
  // One round. Again in a moment, until it is decided.
  Seen Look(TimePoint now);

 private:
  void Withdraw(const Endpoint& sentinel, TimePoint now);

  const redis::Network network_;
  const Terms terms_;
  SettingsGuard guard_;
  // In TILT and with a replica chosen, which it may have told already.
  std::map<Endpoint, TimePoint> withdraw_at_;
};

}  // namespace redis_zk::failover
