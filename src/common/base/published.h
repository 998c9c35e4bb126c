// An immutable value that one thread replaces and many read: a reader keeps what it got for as long as it
// likes.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

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

  void Set(T value) {
    auto next = std::make_shared<const T>(std::move(value));
    const std::lock_guard lock(mutex_);
    current_.swap(next);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> current_;
};

}  // namespace redis_zk
