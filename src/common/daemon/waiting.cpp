#include "daemon/waiting.h"

#include <fmt/core.h>

#include <chrono>

namespace redis_zk::daemon {

namespace {

// A wait that lasts this long needs a look by a person, whatever it is for.
constexpr std::chrono::seconds kLong = 60s;

}  // namespace

void Waiting::Say(const std::string& reason, log::Severity severity, TimePoint now) {
  if (!since_) since_ = now;
  if (severity == log::Severity::kInfo && now - *since_ >= kLong) {
    log_long_(log::Severity::kWarn, {.event = "waiting-long"},
              fmt::format("still waiting after more than {} s: {}", kLong.count(), reason));
  } else {
    log_reason_(severity, {.event = "waiting"}, reason);
  }
  health_.Say(false, reason);
}

void Waiting::End() {
  since_.reset();
  log_reason_.Reset();
  log_long_.Reset();
}

}  // namespace redis_zk::daemon
