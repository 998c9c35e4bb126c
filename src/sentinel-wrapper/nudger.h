// Asks our own Sentinel to promote a replica, one that it would refuse by itself included.
//
// Loop thread only. Nudge blocks for as long as Sentinel takes to choose a replica: some 0.2 s, at most a few
// seconds.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "sentinel/client.h"

namespace redis_zk::sentinel_wrapper {

class Nudger {
 public:
  // `pause` waits until the time given, and returns false when there is nothing left to wait for.
  Nudger(const sentinel::Client& sentinel, std::string group, std::function<bool(TimePoint)> pause);

  // SENTINEL FAILOVER; where Sentinel knows no good replica, with a higher down-after than its own
  // `down_after` for the moment of its choice. What was done, in one sentence.
  Result<std::string> Nudge(Duration down_after);

  // Sets down-after back where Nudge could not. Call it every now and then.
  void SettleDebt();

 private:
  Status RequestFailover() const;
  Result<std::string> NudgeWithRaised(Duration down_after);
  void AwaitChoice() const;

  const sentinel::Client sentinel_;
  const std::string group_;
  const std::function<bool(TimePoint)> pause_;
  LogOnChange log_problem_;
  std::optional<Duration> owed_;  // what down-after has to be again
};

}  // namespace redis_zk::sentinel_wrapper
