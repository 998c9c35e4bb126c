// What a start waits for: told in the log and to health checks.
#pragma once

#include <optional>
#include <string>

#include "base/log.h"
#include "base/time.h"
#include "daemon/health.h"

namespace redis_zk::daemon {

// Loop thread only.
class Waiting {
 public:
  // `health` must outlive this.
  explicit Waiting(HealthFile& health) : health_(health) {}

  // Call it as often as the start looks again: a reason is logged when it is new, and once more as a warning
  // when the start has waited for long.
  void Say(const std::string& reason, log::Severity severity, TimePoint now);
  void End();

 private:
  HealthFile& health_;
  std::optional<TimePoint> since_;
  LogOnChange log_reason_;
  LogOnChange log_long_;
};

}  // namespace redis_zk::daemon
