// The time of day, for what people read and other machines compare; never for an interval, see time.h.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/time.h"

namespace redis_zk {

// Milliseconds since 1970.
inline std::int64_t UnixTime() {
  return std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace redis_zk
