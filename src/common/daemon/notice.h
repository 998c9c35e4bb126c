// Keeps something about this process in an ephemeral znode, where the watchers find it.
#pragma once

#include <cstdint>
#include <functional>

#include "base/result.h"
#include "base/time.h"
#include "zookeeper/session.h"

namespace redis_zk::daemon {

// Loop thread only.
class Notice {
 public:
  // `write` puts it into its znode. The session must outlive this.
  Notice(zookeeper::Session& session, std::function<Status()> write);

  // Writes it once in each session. What fails is tried again ten seconds later.
  void Keep(TimePoint now);
  // What it says has changed: it is written once more.
  void Renew() { written_session_ = 0; }

 private:
  zookeeper::Session& session_;
  const std::function<Status()> write_;
  std::int64_t written_session_ = 0;
  TimePoint write_at_{};
};

}  // namespace redis_zk::daemon
