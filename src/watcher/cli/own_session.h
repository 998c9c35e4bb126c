// A session with ZooKeeper for the time of a command.
#pragma once

#include <memory>

#include "base/published.h"
#include "base/result.h"
#include "options/common_options.h"
#include "zookeeper/session.h"

namespace redis_zk::watcher::cli {

// One thread.
class OwnSession {
 public:
  // `common` must outlive it.
  OwnSession(const CommonOptions& common, const zookeeper::SessionFactory& open_session);

  // Waits for ZK_CONNECT_TIMEOUT at most. kDenied: ZooKeeper takes no digest credentials; kUnavailable: it
  // is not reached. Both name the hosts.
  Status Connect();
  zookeeper::Session& session() { return *session_; }

 private:
  const CommonOptions& common_;
  Published<int> news_{0};
  const std::unique_ptr<zookeeper::Session> session_;
};

// The exit code of a command that Connect() has failed, after a line to stderr.
int ComplainOfConnecting(const Error& error);

}  // namespace redis_zk::watcher::cli
