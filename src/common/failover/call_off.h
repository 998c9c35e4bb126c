// Makes Sentinels give up a failover that they were ordered to run, so that nothing is promoted any more: by
// a failover-timeout that has passed, or, in TILT, by making them forget the order.
#pragma once

#include <cstdint>
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

// What a promotion is known by.
struct Promotion {
  Endpoint master;                   // the old one
  std::string replication_id;        // of its data
  std::int64_t offset = 0;           // how far they go in every replica that caught up
  std::vector<Endpoint> promotable;  // which a Sentinel may choose
};

// The master that a newer configuration names than any that names the old one; others have not heard for
// long.
std::optional<Endpoint> FindNamed(const Endpoint& old_master,
                                  const std::vector<sentinel::SentinelReport>& reports);

// Who was promoted: it acts as a master, and its data go on from the old master's, at the offset that all
// have reached or where it is `named` by Sentinels. One that only acts as a master may have been started
// anew, without data or from a snapshot, and an old master that follows it loses all that was written since.
std::optional<Endpoint> FindPromoted(redis::Servers& servers, const Promotion& awaited,
                                     const std::optional<Endpoint>& named);

// The end of this is the end of the changed failover-timeouts.
class CallOff {
 public:
  struct Terms {
    std::string group;
    std::vector<sentinel::Peer> sentinels;  // all that are registered
    std::vector<Endpoint> asked;            // those that may still act
    Promotion awaited;
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
