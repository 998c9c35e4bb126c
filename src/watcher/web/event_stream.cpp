#include "watcher/web/event_stream.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "watcher/web/json.h"

namespace redis_zk::watcher::web {

namespace {

// Proxies close a silent connection; and a write is how a client that left without a word is noticed.
constexpr Duration kHeartbeat = 15s;
// How soon a browser comes again. The headers of the answer leave with it.
constexpr const char* kOpening = "retry: 1000\n\n";

}  // namespace

EventStream::EventStream(const RecentEvents& events, Place place, const std::optional<std::string>& heard,
                         std::optional<TimePoint> ends_at)
    : events_(events), place_(std::move(place)), ends_at_(ends_at.value_or(TimePoint::max())) {
  const auto history = events_.history().Get();
  if (heard) {
    told_ = events_.NumberOf(*heard);
  } else if (!history->empty()) {
    told_ = history->back().number;
  }
}

std::string EventStream::Take(TimePoint now) {
  std::string text = std::exchange(opened_, true) ? "" : kOpening;
  const auto history = events_.history().Get();
  for (const auto& event : *history) {
    if (event.number > told_) text += RenderEvent(event);
  }
  if (!history->empty()) told_ = std::max(told_, history->back().number);
  if (text.empty() && now >= heartbeat_at_) text = ":\n\n";
  if (!text.empty()) heartbeat_at_ = now + kHeartbeat;
  return text;
}

bool EventStream::IsOver(TimePoint now) const { return events_.history().closed() || now >= ends_at_; }

TimePoint EventStream::due_at() const { return std::min(heartbeat_at_, ends_at_); }

}  // namespace redis_zk::watcher::web
