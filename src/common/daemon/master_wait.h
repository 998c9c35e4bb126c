// The wait of a start for a master, for MASTER_WAIT_TIMEOUT at most.
#pragma once

#include <optional>

#include "base/time.h"
#include "daemon/waiting.h"
#include "daemon/wrapper_loop.h"

namespace redis_zk::daemon {

class MasterWait {
 public:
  // Begins now; with a timeout of 0 it has no end. `loop` must outlive this.
  MasterWait(WrapperLoop& loop, Duration timeout);

  // Says what for, and until when. Returns when something has happened in ZooKeeper, or after `look_again`.
  // An exit code, explained in the log, when the time is over, or when a signal asked us to stop.
  std::optional<int> Await(Duration look_again, Wait wait);

 private:
  WrapperLoop& loop_;
  const Duration timeout_;
  const TimePoint deadline_;
};

}  // namespace redis_zk::daemon
