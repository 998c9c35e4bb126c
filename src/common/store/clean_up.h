// What the watchers agree on before one of them cleans up: who does it, and what time it is.
//
// Same thread as the session.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "store/paths.h"
#include "zookeeper/session.h"

namespace redis_zk::store {

class CleanUp {
 public:
  CleanUp(zookeeper::Session& session, const std::string& root) : session_(session), paths_(root) {}

  // The lock of the watcher that cleans up; exists after Groups::Ensure.
  std::string LockPath() const { return paths_.CleanUp(); }
  // What ZooKeeper's clock says, in milliseconds since 1970. It is only told with a write: of the clean-up's
  // znode, whose data mean nothing.
  Result<std::int64_t> AskTime();

 private:
  zookeeper::Session& session_;
  const Paths paths_;
};

}  // namespace redis_zk::store
