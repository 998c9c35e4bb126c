// Asks our own Sentinel to promote a replica, one that it would refuse by itself included.
//
// Loop thread only. Nudge blocks for as long as Sentinel takes to choose a replica: some 0.2 s, at most a few
// seconds.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "failover/settings_guard.h"
#include "net/endpoint.h"
#include "redis/servers.h"

namespace redis_zk::sentinel_wrapper {

class Nudger {
 public:
  // `pause` waits until the time given, and returns false when there is nothing left to wait for.
  Nudger(const redis::Network& network, Endpoint sentinel, std::string group,
         std::function<bool(TimePoint)> pause);

  // SENTINEL FAILOVER; where Sentinel knows no good replica, with a higher down-after than its own
  // `down_after` for the moment of its choice. What was done, in one sentence.
  Result<std::string> Nudge(Duration down_after);

  // Sets down-after back where Nudge could not. Call it every now and then.
  void SettleDebt() { guard_.Restore(1); }

 private:
  // An error: it may not have been taken.
  Status RequestFailover() const;
  Result<std::string> NudgeWithRaised(Duration down_after);
  void AwaitChoice() const;

  const redis::Network network_;
  const Endpoint sentinel_;
  const std::string group_;
  const std::function<bool(TimePoint)> pause_;
  failover::SettingsGuard guard_;
};

}  // namespace redis_zk::sentinel_wrapper
