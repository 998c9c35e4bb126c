// Worker threads that come when there is work and go when there is none.
// It grows up to a limit and shrinks to nothing.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>

#include "base/log.h"
#include "base/time.h"

namespace redis_zk::watcher::web {

// Any thread.
class ThreadPool {
 public:
  ThreadPool(std::size_t most_threads, Duration idle_timeout);
  // Runs what is queued, then ends the threads.
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // Beyond the limit, or when no thread can be made, work waits for one to become free.
  void Run(std::function<void()> work);

 private:
  void StartThread();
  void Work();

  const std::size_t most_threads_;
  const Duration idle_timeout_;
  std::mutex mutex_;
  std::condition_variable work_arrived_;
  std::condition_variable thread_ended_;
  std::deque<std::function<void()>> queue_;
  std::size_t threads_ = 0;
  std::size_t idle_ = 0;
  bool ending_ = false;
  LogOnChange log_problem_;
};

}  // namespace redis_zk::watcher::web
