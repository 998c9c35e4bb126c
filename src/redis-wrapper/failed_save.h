// Has a server write its snapshot again, whose last one failed and that rejects writes until one succeeds
// (stop-writes-on-bgsave-error). It answers PING with an error, too: to Sentinel it is down.
//
// Redis itself tries again only where a `save` line asks for a snapshot; rejecting writes, it never comes to
// that after a BGSAVE by hand. Loop thread only.
#pragma once

#include <optional>
#include <string>

#include "base/backoff.h"
#include "base/log.h"
#include "base/time.h"
#include "daemon/waiting.h"
#include "redis/servers.h"

namespace redis_zk::redis_wrapper {

class FailedSave {
 public:
  FailedSave();

  struct View {
    bool rejects = false;   // answers PING with MISCONF, for its snapshots
    bool has_room = false;  // on its disk
  };
  // Whether to order a snapshot now. Call it about once a second.
  bool Next(const redis::ServerInfo& own, const View& view, TimePoint now);

  // Asks the server, carries Next out, and says so. `directory` is the one of its data.
  void Check(const redis::ServerInfo& own, redis::KeptServer& server, const std::string& directory);

  const std::optional<daemon::Wait>& wait() const { return wait_; }

 private:
  Backoff backoff_;
  TimePoint order_again_at_{};
  std::optional<daemon::Wait> wait_;
  LogOnChange log_problem_;
};

}  // namespace redis_zk::redis_wrapper
