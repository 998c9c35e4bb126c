// What one client of /events is sent, piece by piece: events as they happen, and signs of life in between.
//
// One thread at a time. It occupies a place for as long as it lives.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/time.h"
#include "watcher/events.h"
#include "watcher/web/places.h"

namespace redis_zk::watcher::web {

class EventStream {
 public:
  // `heard`: the id of the event that the client heard last; it is told what it missed since. Nothing: what
  // happens from now on. `ends_at`: nothing: it goes on for as long as the client listens. `events` must
  // outlive the stream.
  EventStream(const RecentEvents& events, Place place, const std::optional<std::string>& heard,
              std::optional<TimePoint> ends_at);

  // What is to be sent now; empty: nothing.
  std::string Take(TimePoint now);
  // Whether nothing more is to come after what was taken.
  bool IsOver(TimePoint now) const;
  // When there is something to do for it although nothing happens.
  TimePoint due_at() const;

 private:
  const RecentEvents& events_;
  const Place place_;
  const TimePoint ends_at_;
  bool opened_ = false;
  std::uint64_t told_ = 0;  // the number of the last event that was taken
  TimePoint heartbeat_at_{};
};

}  // namespace redis_zk::watcher::web
