// Intervals are measured on the steady clock only: the wall clock may jump.
// Functions that decide take `now` as an argument; only the loops read the clock.
#pragma once

#include <chrono>

namespace redis_zk {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = std::chrono::milliseconds;

using namespace std::chrono_literals;

// Whole milliseconds until `deadline`, rounded up so that a wait never ends just before it; 0 when it has
// passed.
inline Duration Remaining(TimePoint deadline, TimePoint now) {
  return deadline <= now ? Duration::zero() : std::chrono::ceil<Duration>(deadline - now);
}

}  // namespace redis_zk
