// The one door into a daemon's loop: everything that happens arrives here, in order, and the loop takes it
// out.
//
// `Event` is a std::variant that can hold SignalReceived. Push from any thread; Pop from the loop thread
// only.
#pragma once

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "base/time.h"
#include "os/signals.h"

namespace redis_zk {

template <class Event>
class EventQueue {
 public:
  // `signals` must outlive the queue.
  explicit EventQueue(const BlockedSignals& signals)
      : signals_(signals), wake_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (wake_fd_ < 0) std::abort();
  }
  ~EventQueue() { close(wake_fd_); }
  EventQueue(const EventQueue&) = delete;
  EventQueue& operator=(const EventQueue&) = delete;

  void Push(Event event) {
    {
      const std::lock_guard lock(mutex_);
      events_.push_back(std::move(event));
    }
    const std::uint64_t one = 1;
    // Fails only when the counter is full, and then the loop is awake anyway.
    [[maybe_unused]] const ssize_t written = write(wake_fd_, &one, sizeof one);
  }

  // The next event, a signal before anything else; nothing when `deadline` passes first.
  std::optional<Event> Pop(TimePoint deadline) {
    while (true) {
      if (auto signal = signals_.Next()) return Event(*signal);
      {
        const std::lock_guard lock(mutex_);
        if (!events_.empty()) {
          Event event = std::move(events_.front());
          events_.pop_front();
          return event;
        }
        std::uint64_t count = 0;
        [[maybe_unused]] const ssize_t drained = read(wake_fd_, &count, sizeof count);
      }
      const Duration left = Clock::TimeToBlock(deadline);
      if (left == Duration::zero()) return std::nullopt;
      std::array<pollfd, 2> fds{{{signals_.fd(), POLLIN, 0}, {wake_fd_, POLLIN, 0}}};
      poll(fds.data(), fds.size(), PollTimeout(left));
    }
  }

 private:
  const BlockedSignals& signals_;
  const int wake_fd_;
  std::mutex mutex_;
  std::deque<Event> events_;
};

}  // namespace redis_zk
