#include "watcher/web/event_stream.h"

#include <algorithm>
#include <utility>

#include "watcher/web/json.h"

namespace redis_zk::watcher::web {

namespace {

// Proxies close a silent connection; and a write is how a client that left without a word is noticed.
constexpr Duration kHeartbeat = 15s;
constexpr Duration kStreamTurn = 1s;
// How soon a browser comes again. The headers of the answer leave with it.
constexpr const char* kOpening = "retry: 1000\n\n";

}  // namespace

EventStream::EventStream(const RecentEvents& events, Place place, const std::optional<std::string>& heard,
                         std::optional<TimePoint> ends_at)
    : events_(events),
      place_(std::move(place)),
      ends_at_(ends_at.value_or(TimePoint::max())),
      history_(events.history().Get()) {
  if (heard) {
    told_ = events_.NumberOf(*heard);
  } else if (!history_->empty()) {
    told_ = history_->back().number;
  }
}

std::string EventStream::Take(TimePoint now) {
  std::string text = std::exchange(opened_, true) ? "" : kOpening;
  for (const auto& event : *history_) {
    if (event.number > told_) text += RenderEvent(event);
  }
  if (!history_->empty()) told_ = std::max(told_, history_->back().number);
  if (text.empty() && now >= heartbeat_at_) text = ":\n\n";
  if (!text.empty()) heartbeat_at_ = now + kHeartbeat;
  return text;
}

bool EventStream::IsOver(TimePoint now) const { return events_.history().closed() || now >= ends_at_; }

void EventStream::AwaitMore(TimePoint now) {
  history_ = events_.history().GetNext(history_, std::min({heartbeat_at_, ends_at_, now + kStreamTurn}));
}

}  // namespace redis_zk::watcher::web
