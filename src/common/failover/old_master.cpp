#include "failover/old_master.h"

#include <fmt/core.h>

#include "base/log.h"

namespace redis_zk::failover {

Status OldMaster::Order(const redis::Command& command) const {
  const auto replies = own_ != nullptr ? own_->Ask({command}) : servers_.Ask(server_, {command});
  if (!replies) return tl::unexpected(replies.error());
  if (replies->front().is_error())
    return Fail(ErrorKind::kRefused, fmt::format("{}: {}", command.front(), replies->front().text));
  return {};
}

Result<redis::ServerInfo> OldMaster::AskInfo() const {
  return own_ != nullptr ? own_->AskInfo() : servers_.AskInfo(server_);
}

Status OldMaster::PauseWrites(Duration duration) {
  const TimePoint asked_at = Clock::now();
  if (!paused_at_) paused_at_ = asked_at;
  auto paused = Order({"CLIENT", "PAUSE", std::to_string(duration.count()), "WRITE"});
  if (paused) paused_until_ = asked_at + duration;
  return paused;
}

void OldMaster::ReleaseWrites() {
  released_at_ = Clock::now();
  if (const auto released = Order({"CLIENT", "UNPAUSE"}); !released)
    log::Warn({.event = "writes-not-resumed", .group = group_, .peer = server_.ToAddress()},
              "cannot resume writes on {}: {}; they stay paused for up to {} s", server_.ToAddress(),
              released.error().message, Remaining(paused_until_, *released_at_) / 1s);
}

Status OldMaster::Follow(const Endpoint& promoted) const {
  return Order({"REPLICAOF", promoted.host, std::to_string(promoted.port)});
}

Duration OldMaster::paused() const {
  if (!paused_at_) return {};
  return std::chrono::duration_cast<Duration>(released_at_.value_or(Clock::now()) - *paused_at_);
}

}  // namespace redis_zk::failover
