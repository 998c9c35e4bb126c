// How the wrappers are, each in a znode that goes with its session.
//
// Same thread as the session.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "store/paths.h"
#include "store/report.h"
#include "store/znodes.h"
#include "zookeeper/session.h"

namespace redis_zk::store {

class Reports {
 public:
  Reports(zookeeper::Session& session, const std::string& root) : paths_(root), znodes_(session) {}

  // Ordered by uuid. Unreadable entries are left out and logged.
  Result<std::vector<Report>> List();
  // Writes it, also in place of an earlier one of the same uuid.
  Status Put(const Report& report);

 private:
  const Paths paths_;
  Znodes znodes_;
};

}  // namespace redis_zk::store
