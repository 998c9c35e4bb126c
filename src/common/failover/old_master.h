// The master that is handed over from: its writes are paused, and it becomes a replica.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "net/endpoint.h"
#include "redis/server_info.h"
#include "redis/servers.h"

namespace redis_zk::failover {

// One thread.
class OldMaster {
 public:
  // `own`: if it is our own server, the connection that is kept to it. The references must outlive this.
  OldMaster(redis::Servers& servers, const Endpoint& server, redis::KeptServer* own, const std::string& group)
      : servers_(servers), server_(server), own_(own), group_(group) {}

  Result<redis::ServerInfo> AskInfo() const;
  // No write is taken for `duration` from now on, unless released earlier. An error may have paused them all
  // the same.
  Status PauseWrites(Duration duration);
  // Of a server that does not answer the pause ends by itself.
  void ReleaseWrites();
  Status Follow(const Endpoint& promoted) const;

  TimePoint paused_until() const { return paused_until_; }
  // How long writes were paused; until now, if they still are.
  Duration paused() const;

 private:
  Status Order(const redis::Command& command) const;

  redis::Servers& servers_;
  const Endpoint& server_;
  redis::KeptServer* const own_;
  const std::string& group_;
  std::optional<TimePoint> paused_at_;
  TimePoint paused_until_{};
  std::optional<TimePoint> released_at_;
};

}  // namespace redis_zk::failover
