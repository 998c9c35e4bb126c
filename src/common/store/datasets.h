// Which data a group has had, and which node was seen with what: for the time when none of them lives.
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

class Datasets {
 public:
  Datasets(zookeeper::Session& session, const std::string& root)
      : session_(session), paths_(root), znodes_(session) {}

  // Empty when none was ever written, or when it cannot be read, which is logged.
  Result<History> ReadHistory(const std::string& group);
  Status WriteHistory(const std::string& group, const History& history);

  // Ordered by node. Unreadable entries are left out and logged.
  Result<std::vector<KnownDataset>> List(const std::string& group);
  Status Report(const std::string& group, const KnownDataset& known);
  Status Forget(const std::string& group, const std::string& node);

 private:
  zookeeper::Session& session_;
  const Paths paths_;
  Znodes znodes_;
};

}  // namespace redis_zk::store
