#include "watcher/event_log_keeper.h"

#include <fmt/core.h>

#include <utility>

namespace redis_zk::watcher {

using zookeeper::SessionEvent;
using zookeeper::Watch;

namespace {

constexpr Duration kRetryAfter = 3s;

}  // namespace

EventLogKeeper::EventLogKeeper(const zookeeper::Session& session, store::EventLogStore& store)
    : session_(session), store_(store) {}

void EventLogKeeper::Reduce(const SessionEvent& event) {
  const bool changed = event.kind == SessionEvent::Kind::kNodeChanged && event.path == store_.Path();
  if (!changed && event.kind != SessionEvent::Kind::kConnected) return;
  stale_ = true;
  read_at_ = {};
}

bool EventLogKeeper::Read() {
  if (!stale_ || !session_.connected() || Clock::now() < read_at_) return false;
  auto read = store_.Read(Watch::kYes);
  if (!read) {
    log_unread_(log::Severity::kWarn, {.event = "registry-read-failed"},
                fmt::format("reading the registry in ZooKeeper failed: {}; retrying", read.error().message));
    read_at_ = Clock::now() + kRetryAfter;
    return false;
  }
  log_unread_.Reset();
  known_ = std::move(*read);
  stale_ = false;
  return true;
}

void EventLogKeeper::Add(store::PastEvent event) {
  if (unwritten_.size() >= store::kMostPastEvents) unwritten_.erase(unwritten_.begin());
  unwritten_.push_back(std::move(event));
  write_at_ = Clock::now();
}

void EventLogKeeper::Write() {
  if (Clock::now() >= write_at_) WriteNow();
}

void EventLogKeeper::WriteNow() {
  if (unwritten_.empty() || !session_.connected()) return;
  if (const auto written = store_.Append(unwritten_); !written) {
    log_unwritten_(
        log::Severity::kWarn, {.event = "event-log-write-failed"},
        fmt::format("cannot write the event log {}: {}; retrying", store_.Path(), written.error().message));
    write_at_ = Clock::now() + kRetryAfter;
    return;
  }
  log_unwritten_.Reset();
  unwritten_.clear();
}

}  // namespace redis_zk::watcher
