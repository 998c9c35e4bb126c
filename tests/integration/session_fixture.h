// Sessions at a real ZooKeeper server.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "support/recording_session.h"
#include "support/servers.h"
#include "zookeeper/client_session.h"

namespace redis_zk::testing {

// One server for the whole run: starting a JVM takes longer than most tests.
inline ZooKeeperServer& SharedZooKeeper() {
  static ZooKeeperServer server;
  return server;
}

class TestSession : public RecordingSession {
 public:
  explicit TestSession(std::vector<Endpoint> servers = {SharedZooKeeper().endpoint()}, Duration timeout = 2s,
                       std::string chroot = "")
      : RecordingSession(zookeeper::OpenClientSession, {std::move(servers), std::move(chroot)}, timeout) {}
};

}  // namespace redis_zk::testing
