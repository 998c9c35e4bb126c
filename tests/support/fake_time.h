// A time that stands still until a test moves it, or a loop waits for a deadline: then it jumps there.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <utility>

#include "base/time.h"

namespace redis_zk::testing {

// Clock's, as long as this lives. Any thread; what is planned runs on the one that moves the time.
class FakeTime final : public TimeSource {
 public:
  FakeTime() : now_(std::chrono::steady_clock::now()) { Clock::Replace(this); }
  ~FakeTime() override { Clock::Replace(nullptr); }
  FakeTime(const FakeTime&) = delete;
  FakeTime& operator=(const FakeTime&) = delete;

  TimePoint Now() override {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  Duration TimeToBlock(TimePoint deadline) override {
    MoveTo(deadline);
    return Duration::zero();
  }

  void Advance(Duration duration) { MoveTo(Now() + duration); }
  // Whatever is planned for before then happens first, at its time.
  void MoveTo(TimePoint time) {
    while (const auto next = TakeDue(time)) next();
  }
  void At(TimePoint time, std::function<void()> what) {
    const std::lock_guard lock(mutex_);
    planned_.emplace(time, std::move(what));
  }

 private:
  // The next that is planned for before then, with the time set to its own; nothing, and the time is `time`.
  // It runs without the lock: it calls others that hold locks while they ask for the time.
  std::function<void()> TakeDue(TimePoint time) {
    const std::lock_guard lock(mutex_);
    if (planned_.empty() || planned_.begin()->first > time) {
      now_ = std::max(now_, time);
      return nullptr;
    }
    auto next = planned_.extract(planned_.begin());
    now_ = std::max(now_, next.key());
    return std::move(next.mapped());
  }

  std::mutex mutex_;
  TimePoint now_;
  std::multimap<TimePoint, std::function<void()>> planned_;
};

}  // namespace redis_zk::testing
