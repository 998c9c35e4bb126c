#include "watcher/behaviors/runner.h"

#include <fmt/core.h>

#include <system_error>
#include <utility>

#include "base/log.h"
#include "base/printable.h"

namespace redis_zk::watcher {

namespace {

constexpr std::size_t kLongestError = 300;
constexpr Duration kStartEvery = 1s;

}  // namespace

Runner::Runner(BehaviorSettings settings, const Host& host)
    : settings_(std::move(settings)),
      behavior_(settings_.make(settings_.section.name, host)),
      status_{.name = settings_.section.name, .kind = settings_.kind, .last_error = {}} {
  Maintain();
}

Runner::~Runner() = default;

void Runner::Maintain() {
  const TimePoint now = Clock::now();
  if (thread_.joinable() || now < start_at_) return;
  start_at_ = now + kStartEvery;
  try {
    thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
    log_thread_.Reset();
  } catch (const std::system_error& error) {
    log_thread_(log::Severity::kWarn,
                {.event = "behavior-thread-failed", .more = {{"behavior", settings_.section.name}}},
                fmt::format("behavior {}: cannot create its thread: {}; retrying", settings_.section.name,
                            error.what()));
  }
}

void Runner::Tell(const Event& event) {
  if (!settings_.on.empty() && !settings_.on.contains(event.kind)) return;
  const std::lock_guard lock(mutex_);
  if (queue_.size() >= settings_.queue) {
    queue_.pop_front();
    ++status_.dropped;
    ++dropped_unsaid_;
  }
  queue_.push_back(event);
  told_.notify_one();
}

BehaviorStatus Runner::status() const {
  const std::lock_guard lock(mutex_);
  BehaviorStatus status = status_;
  status.queued = queue_.size();
  return status;
}

void Runner::Run(const std::stop_token& stop) {
  while (!stop.stop_requested()) HandleNext(stop);
  ended_ = true;
}

void Runner::HandleNext(const std::stop_token& stop) {
  Event event;
  std::uint64_t dropped = 0;
  {
    std::unique_lock lock(mutex_);
    if (!told_.wait(lock, stop, [this] { return !queue_.empty(); })) return;
    event = std::move(queue_.front());
    queue_.pop_front();
    dropped = std::exchange(dropped_unsaid_, 0);
    status_.busy = true;
  }
  const std::string& name = status_.name;
  if (dropped > 0) {
    log::Warn({.event = "behavior-events-dropped", .more = {{"behavior", name}}},
              "behavior {}: dropped the {} oldest events: its queue holds at most {}", name, dropped,
              settings_.queue);
  }
  const auto handled = behavior_->Handle(event, stop);
  // Stopped meanwhile: whether it was done or cut short is unknown.
  const bool counts = handled || !stop.stop_requested();
  const std::string error = handled ? std::string() : Printable(handled.error().message, kLongestError);
  const auto more = [&] {
    return std::vector<std::pair<std::string_view, std::string>>{
        {"behavior", name}, {"kind", event.kind}, {"id", event.id}};
  };
  if (handled) {
    log::Debug({.event = "behavior-done", .group = event.group, .more = more()}, "behavior {} handled {}",
               name, event.kind);
  } else if (counts) {
    log::Warn({.event = "behavior-failed", .group = event.group, .more = more()},
              "behavior {} failed on {}: {}", name, event.kind, error);
  } else {
    log::Info({.event = "behavior-abandoned", .group = event.group, .more = more()},
              "behavior {} abandoned {} because it has to stop: {}", name, event.kind, error);
  }
  const std::lock_guard lock(mutex_);
  status_.busy = false;
  if (!counts) return;
  ++(handled ? status_.done : status_.failed);
  if (!handled) status_.last_error = error;
}

}  // namespace redis_zk::watcher
