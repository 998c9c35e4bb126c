// A bounded number of places, for requests that occupy a thread for long: the others must not run out of
// them.
#pragma once

#include <atomic>
#include <optional>
#include <utility>

namespace redis_zk::watcher::web {

// Free again when it is destroyed.
class Place {
 public:
  Place(Place&& other) noexcept : taken_(std::exchange(other.taken_, nullptr)) {}
  Place& operator=(Place&&) = delete;
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    if (taken_ != nullptr) --*taken_;
  }

 private:
  friend class Places;
  explicit Place(std::atomic<int>* taken) : taken_(taken) {}

  std::atomic<int>* taken_;
};

// Any thread. Must outlive its places.
class Places {
 public:
  explicit Places(int most) : most_(most) {}

  // Nothing: all are taken.
  std::optional<Place> Take() {
    Place place(&taken_);
    if (++taken_ > most_) return std::nullopt;
    return place;
  }
  int taken() const { return taken_; }

 private:
  const int most_;
  std::atomic<int> taken_ = 0;
};

}  // namespace redis_zk::watcher::web
