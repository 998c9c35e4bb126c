// Intervals are measured on the steady clock only: the wall clock may jump.
// Functions that decide take `now` as an argument; only the loops read the clock.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <climits>

namespace redis_zk {

using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::milliseconds;

using namespace std::chrono_literals;

// Whole milliseconds until `deadline`, rounded up so that a wait never ends just before it; 0 when it has
// passed.
inline Duration Remaining(TimePoint deadline, TimePoint now) {
  return deadline <= now ? Duration::zero() : std::chrono::ceil<Duration>(deadline - now);
}

// Where the time comes from, if not from the machine: the seam for tests.
class TimeSource {
 public:
  virtual ~TimeSource() = default;
  virtual TimePoint Now() = 0;
  // A loop has nothing to do before `deadline`: how long it is to block. A source that jumps there itself
  // says zero.
  virtual Duration TimeToBlock(TimePoint deadline) = 0;
};

// The steady clock, or the source that a test has put in its place. Any thread.
class Clock {
 public:
  using duration = std::chrono::steady_clock::duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = TimePoint;
  static constexpr bool is_steady = true;

  // The name is what the standard library asks of a clock.
  static time_point now() {
    TimeSource* source = source_.load(std::memory_order_relaxed);
    return source == nullptr ? std::chrono::steady_clock::now() : source->Now();
  }
  static Duration TimeToBlock(TimePoint deadline) {
    TimeSource* source = source_.load(std::memory_order_relaxed);
    return source == nullptr ? Remaining(deadline, now()) : source->TimeToBlock(deadline);
  }
  // nullptr: the machine's. Not while other threads wait for a time.
  static void Replace(TimeSource* source) { source_ = source; }

 private:
  static inline std::atomic<TimeSource*> source_{nullptr};
};

// For poll().
inline int PollTimeout(Duration left) {
  return static_cast<int>(std::min<Duration::rep>(left.count(), INT_MAX));
}

}  // namespace redis_zk
