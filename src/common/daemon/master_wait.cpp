#include "daemon/master_wait.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/exit_code.h"
#include "base/log.h"

namespace redis_zk::daemon {

MasterWait::MasterWait(WrapperLoop& loop, Duration timeout)
    : loop_(loop),
      timeout_(timeout),
      deadline_(timeout == Duration::zero() ? TimePoint::max() : Clock::now() + timeout) {}

std::optional<int> MasterWait::Await(Duration look_again, Wait wait) {
  const std::string sentence = wait.sentence;
  if (timeout_ != Duration::zero()) wait.until = std::min(wait.until.value_or(deadline_), deadline_);
  loop_.SayWaiting(std::move(wait));
  const TimePoint until = std::min(deadline_, Clock::now() + look_again);
  while (!loop_.stop_requested() && !loop_.TakeZooKeeperNews() && Clock::now() < until) loop_.Pump(until);
  if (loop_.stop_requested()) return kExitStopped;
  if (Clock::now() < deadline_) return std::nullopt;
  log::Error({.event = "master-wait-timeout"}, "exiting: no master within {} ms (MASTER_WAIT_TIMEOUT): {}",
             timeout_.count(), sentence);
  return kExitTryAgain;
}

}  // namespace redis_zk::daemon
