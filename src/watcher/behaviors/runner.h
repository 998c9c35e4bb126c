// Runs one behavior on a thread of its own, event after event, so that no other and not the loop waits for
// it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>

#include "base/log.h"
#include "base/time.h"
#include "watcher/behaviors/behavior.h"

namespace redis_zk::watcher {

class Runner {
 public:
  Runner(BehaviorSettings settings, const Host& host);
  // Abandons what is queued, and waits for the end of what is under way: about a second.
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  // Queues the event if it is of a kind that the behavior is for. Waits for nothing: where there is no room,
  // the oldest is dropped. Any thread.
  void Tell(const Event& event);

  // Makes the thread, when none could be made until now: events wait for that long. The owner's thread.
  void Maintain();

  // Begins the end without waiting for it, and whether it is reached. The owner's thread.
  void RequestStop() { thread_.request_stop(); }
  bool ended() const { return ended_ || !thread_.joinable(); }

  const BehaviorSettings& settings() const { return settings_; }
  // Any thread.
  BehaviorStatus status() const;

 private:
  void Run(const std::stop_token& stop);
  void HandleNext(const std::stop_token& stop);

  const BehaviorSettings settings_;
  const std::unique_ptr<Behavior> behavior_;

  mutable std::mutex mutex_;
  std::condition_variable_any told_;
  std::deque<Event> queue_;
  std::uint64_t dropped_unsaid_ = 0;
  BehaviorStatus status_;

  LogOnChange log_thread_;
  TimePoint start_at_{};
  std::atomic<bool> ended_ = false;
  std::jthread thread_;  // the last member: it uses the others
};

}  // namespace redis_zk::watcher
