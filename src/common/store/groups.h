// Which groups there are.
//
// Same thread as the session. Reads set their watches when asked to; a watch fires once.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "store/paths.h"
#include "store/record.h"
#include "store/znodes.h"
#include "zookeeper/session.h"

namespace redis_zk::store {

class Groups {
 public:
  Groups(zookeeper::Session& session, const std::string& root)
      : session_(session), paths_(root), znodes_(session) {}

  // Creates the persistent znodes that a group needs. After a failure some of them may be missing: call it
  // again.
  Status Ensure(const std::string& group);

  // The default group first, then the others by name.
  Result<std::vector<std::string>> List(zookeeper::Watch watch);

  // Takes a group away with all that is known of it, if no node is registered in it or waits for its lock,
  // and the record still is what it was read as; otherwise kConflict, and nothing is taken away. After
  // kUnknownOutcome all of it may be gone.
  Status Remove(const std::string& group, const Record& found);

 private:
  zookeeper::Session& session_;
  const Paths paths_;
  Znodes znodes_;
};

}  // namespace redis_zk::store
