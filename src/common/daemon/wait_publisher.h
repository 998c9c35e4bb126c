// Keeps the long wait of a wrapper in ZooKeeper, where the watchers find it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"
#include "daemon/waiting.h"
#include "store/record.h"
#include "store/waits.h"
#include "zookeeper/session.h"

namespace redis_zk::daemon {

// Loop thread only.
class WaitPublisher {
 public:
  // `whose` says which daemon of which group waits. The references must outlive this.
  WaitPublisher(zookeeper::Session& session, store::Waits& waits, store::Wait whose);

  // Writes what is waited for, or removes it; nothing is done while that is what stands there. What fails is
  // tried again ten seconds later.
  void Keep(const std::optional<Wait>& wait, TimePoint now);

 private:
  Status Write(const std::optional<Wait>& wait, TimePoint now);

  zookeeper::Session& session_;
  store::Waits& waits_;
  const store::Wait whose_;
  std::optional<Wait> written_;
  std::int64_t written_session_ = 0;
  bool unsure_ = false;  // of what a request without an answer did
  TimePoint write_at_{};
};

}  // namespace redis_zk::daemon
