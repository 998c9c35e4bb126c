// Keeps in ZooKeeper that a wrapper's server is open to other hosts, where the watchers find it.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "store/open_servers.h"
#include "store/record.h"
#include "zookeeper/session.h"

namespace redis_zk::daemon {

// Loop thread only.
class OpenServerNotice {
 public:
  // `uuid`: of this process. The references must outlive this.
  OpenServerNotice(zookeeper::Session& session, store::OpenServers& open_servers, std::string uuid,
                   store::OpenServer server);

  // Writes it once in each session. What fails is tried again ten seconds later.
  void Keep(TimePoint now);

 private:
  zookeeper::Session& session_;
  store::OpenServers& open_servers_;
  const std::string uuid_;
  const store::OpenServer server_;
  std::int64_t written_session_ = 0;
  TimePoint write_at_{};
};

}  // namespace redis_zk::daemon
