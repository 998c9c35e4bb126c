// Which watcher fails a group over at an admin request: one at a time.
//
// Same thread as the session.
#pragma once

#include <string>

#include "base/result.h"
#include "store/paths.h"
#include "zookeeper/session.h"

namespace redis_zk::store {

class AdminLock {
 public:
  AdminLock(zookeeper::Session& session, const std::string& root) : session_(session), paths_(root) {}

  // For as long as the session lives, no other watcher fails this group over at a request. kAlreadyExists
  // names who does it now.
  Status Take(const std::string& group, const std::string& who);

 private:
  zookeeper::Session& session_;
  const Paths paths_;
};

}  // namespace redis_zk::store
