#include "zookeeper/session_state.h"

namespace redis_zk::zookeeper {

std::optional<SessionEvent::Kind> SessionState::Take(Report report, std::int64_t id, TimePoint now) {
  using Kind = SessionEvent::Kind;
  if (report == Report::kConnected) {
    id_ = id;
    connected_ = true;
    return Kind::kConnected;
  }
  // Before `connected_` says so: the loop must not take an old moment for this one.
  if (connected_) disconnected_since_ = now.time_since_epoch().count();
  const bool was_connected = connected_.exchange(false);
  if (report == Report::kExpired || report == Report::kAuthFailed) {
    id_ = 0;
    refused_ = report == Report::kAuthFailed;
    ended_ = true;
    return Kind::kExpired;
  }
  return was_connected ? std::optional(Kind::kDisconnected) : std::nullopt;
}

bool SessionState::Outlived(Duration session_timeout, TimePoint now) const {
  return DisconnectedFor(now) > session_timeout * 3 / 2;
}

Duration SessionState::DisconnectedFor(TimePoint now) const {
  if (connected_) return Duration::zero();
  return std::chrono::duration_cast<Duration>(now - TimePoint{Clock::duration(disconnected_since_.load())});
}

}  // namespace redis_zk::zookeeper
