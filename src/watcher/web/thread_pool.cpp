#include "watcher/web/thread_pool.h"

#include <fmt/core.h>

#include <system_error>
#include <thread>
#include <utility>

namespace redis_zk::watcher::web {

ThreadPool::ThreadPool(std::size_t most_threads, Duration idle_timeout)
    : most_threads_(most_threads), idle_timeout_(idle_timeout) {}

ThreadPool::~ThreadPool() {
  std::unique_lock lock(mutex_);
  ending_ = true;
  work_arrived_.notify_all();
  thread_ended_.wait(lock, [this] { return threads_ == 0; });
}

void ThreadPool::Run(std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  queue_.push_back(std::move(work));
  if (queue_.size() > idle_ && threads_ < most_threads_) {
    StartThread();
  } else {
    work_arrived_.notify_one();
  }
}

void ThreadPool::StartThread() {
  try {
    // Detached, yet waited for: the destructor counts them out.
    std::thread(&ThreadPool::Work, this).detach();
    ++threads_;
  } catch (const std::system_error& error) {
    log_problem_(
        log::Severity::kWarn, {.event = "http-thread-failed"},
        fmt::format("cannot create a thread for an HTTP request: {}; the request waits for another thread",
                    error.what()));
    work_arrived_.notify_one();
  }
}

void ThreadPool::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    const bool in_time =
        work_arrived_.wait_for(lock, idle_timeout_, [this] { return ending_ || !queue_.empty(); });
    --idle_;
    if (queue_.empty() && (ending_ || !in_time)) break;
    auto work = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    work();
    work = nullptr;
    lock.lock();
  }
  --threads_;
  // Under the lock: the last one out must not touch a pool that is already gone.
  thread_ended_.notify_all();
}

}  // namespace redis_zk::watcher::web
