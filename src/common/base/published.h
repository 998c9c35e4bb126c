// An immutable value that one thread replaces and many read: a reader keeps what it got for as long as it
// likes, or waits for the next.
#pragma once

#include <condition_variable>
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
    changed_.notify_all();
  }

  // Ends all waits, now and in future.
  void Close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }
  bool closed() const {
    const std::lock_guard lock(mutex_);
    return closed_;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::shared_ptr<const T> current_;
  bool closed_ = false;
};

}  // namespace redis_zk
