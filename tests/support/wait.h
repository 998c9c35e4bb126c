// Waiting in tests: for a condition, never for a time.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>

#include "base/time.h"

namespace redis_zk::testing {

// How long anything may take that takes milliseconds on an idle machine.
inline constexpr Duration kPatience = 20s;

// Somebody else's thread reports news here; the test waits until what it reported makes a condition true.
class News {
 public:
  // Any thread. `change` runs alone.
  template <class Change>
  void Report(const Change& change) {
    const std::lock_guard lock(mutex_);
    change();
    arrived_.notify_all();
  }

  // Whether `condition` became true in time. It is looked at after each report and, since not everything
  // reports, every few milliseconds; `meanwhile` runs before each look, without the lock.
  bool Until(
      const std::function<bool()>& condition, Duration within = kPatience,
      const std::function<void()>& meanwhile = [] {}) {
    const TimePoint deadline = Clock::now() + within;
    while (true) {
      meanwhile();
      std::unique_lock lock(mutex_);
      if (condition()) return true;
      if (Clock::now() >= deadline) return false;
      arrived_.wait_for(lock, 5ms);
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
};

}  // namespace redis_zk::testing
