// An immutable value that one thread replaces and many read: a reader keeps what it got for as long as it
// likes, or waits for the next.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "base/time.h"

namespace redis_zk {

// Any thread.
template <class T>
class Published {
 public:
  explicit Published(T first) : current_(std::make_shared<const T>(std::move(first))) {}

  std::shared_ptr<const T> Get() const {
    const std::lock_guard lock(mutex_);
    return current_;
  }

  // The current value once it is no longer `seen`, or the time is up, or nothing more is to come.
  std::shared_ptr<const T> GetNext(const std::shared_ptr<const T>& seen, TimePoint deadline) const {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, deadline, [&] { return closed_ || current_ != seen; });
    return current_;
  }

  void Set(T value) {
    auto next = std::make_shared<const T>(std::move(value));
    const std::lock_guard lock(mutex_);
    current_.swap(next);
    Notify();
  }

  // Ends all waits, now and in future.
  void Close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    Notify();
  }
  bool closed() const {
    const std::lock_guard lock(mutex_);
    return closed_;
  }

  // For one that waits for more than this: `wake` is called with each change and at the end, on the thread
  // that makes it, and must only wake. Empty: no more; afterwards none is running.
  void OnChange(std::function<void()> wake) const {
    const std::lock_guard lock(mutex_);
    wake_ = std::move(wake);
  }

 private:
  void Notify() const {
    changed_.notify_all();
    if (wake_) wake_();
  }

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::shared_ptr<const T> current_;
  bool closed_ = false;
  mutable std::function<void()> wake_;
};

}  // namespace redis_zk
