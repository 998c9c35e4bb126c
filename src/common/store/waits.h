// What wrappers have waited for longer than a moment, each in a znode that goes with its session.
//
// Same thread as the session.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "store/paths.h"
#include "store/record.h"
#include "store/znodes.h"
#include "zookeeper/session.h"

namespace redis_zk::store {

class Waits {
 public:
  Waits(zookeeper::Session& session, const std::string& root) : paths_(root), znodes_(session) {}

  // Of all groups, ordered by uuid. Unreadable entries are left out and logged.
  Result<std::vector<Wait>> List();
  // Writes it, also in place of an earlier one of the same uuid.
  Status Put(const Wait& wait);
  // No error when it is not there.
  Status Remove(const std::string& uuid);

 private:
  const Paths paths_;
  Znodes znodes_;
};

}  // namespace redis_zk::store
