// What the C client reports of one session, as a value: it turns reports into the events that the owner is
// told. Knows nothing of the C client.
//
// Threads: the client's call Take, one at a time; any thread reads.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "zookeeper/session.h"

namespace redis_zk::zookeeper {

class SessionState {
 public:
  enum class Report {
    kConnected,
    kDisconnected,  // or still connecting
    kExpired,
    kAuthFailed,
  };

  // Not connected, since `now`.
  explicit SessionState(TimePoint now) : disconnected_since_(now.time_since_epoch().count()) {}

  // `id` is that of the session, when it is connected. Nothing: this is no news.
  std::optional<SessionEvent::Kind> Take(Report report, std::int64_t id, TimePoint now);

  bool connected() const { return connected_; }
  // Expired or refused: only another session helps.
  bool ended() const { return ended_; }
  // It was ended by kAuthFailed.
  bool refused() const { return refused_; }
  // How long it has not been connected; zero: it is.
  Duration DisconnectedFor(TimePoint now) const;
  // 0: there is none.
  std::int64_t id() const { return id_; }
  // Whether nothing was heard from a server for longer than a session of this timeout can have lived: by our
  // own clock it is over. ZooKeeper says so only after it is reached again.
  bool Outlived(Duration session_timeout, TimePoint now) const;

 private:
  std::atomic<bool> connected_ = false;
  std::atomic<bool> ended_ = false;
  std::atomic<bool> refused_ = false;
  std::atomic<std::int64_t> id_ = 0;
  std::atomic<Clock::rep> disconnected_since_;
};

}  // namespace redis_zk::zookeeper
