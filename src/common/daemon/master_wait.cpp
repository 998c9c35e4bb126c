#include "daemon/master_wait.h"

#include <algorithm>

#include "base/exit_code.h"

namespace redis_zk::daemon {

MasterWait::MasterWait(WrapperLoop& loop, Duration timeout)
    : loop_(loop),
      timeout_(timeout),
      deadline_(timeout == Duration::zero() ? TimePoint::max() : Clock::now() + timeout) {}

std::optional<int> MasterWait::Await(Duration look_again, const std::string& reason, log::Severity severity) {
  loop_.SayWaiting(reason, severity);
  const TimePoint until = std::min(deadline_, Clock::now() + look_again);
  while (!loop_.stop_requested() && !loop_.TakeZooKeeperNews() && Clock::now() < until) loop_.Pump(until);
  if (loop_.stop_requested()) return kExitStopped;
  if (Clock::now() < deadline_) return std::nullopt;
  log::Error({.event = "master-wait-timeout"}, "exiting: no master within {} ms (MASTER_WAIT_TIMEOUT): {}",
             timeout_.count(), reason);
  return kExitTryAgain;
}

}  // namespace redis_zk::daemon
