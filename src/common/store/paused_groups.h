// Which groups are paused: what the daemons change by themselves there rests until the pause ends.
//
// Same thread as the session. A read sets its watch when asked to; a watch fires once.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "store/paths.h"
#include "store/pause.h"
#include "zookeeper/session.h"

namespace redis_zk::store {

class PausedGroups {
 public:
  PausedGroups(zookeeper::Session& session, const std::string& root) : session_(session), paths_(root) {}

  // Also those that have ended. What cannot be read is logged, and none.
  Result<Pauses> Read(zookeeper::Watch watch);
  // In place of an earlier one. After kUnknownOutcome it may be paused; doing it again is harmless.
  Status Pause(const std::string& group, const store::Pause& pause);
  // False: it was not paused.
  Result<bool> Resume(const std::string& group, std::int64_t unix_now);

 private:
  // Replaces what stands there by what `change` makes of it, without those that have ended long ago; again,
  // where another client was quicker.
  Status Change(std::int64_t unix_now, const std::function<void(Pauses&)>& change);

  zookeeper::Session& session_;
  const Paths paths_;
  std::string told_;  // what could not be read, as logged
};

}  // namespace redis_zk::store
