// Until when the certificates of the daemons are valid, those of each in a znode that goes with its session.
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

class Certificates {
 public:
  Certificates(zookeeper::Session& session, const std::string& root) : paths_(root), znodes_(session) {}

  // Ordered by uuid. Unreadable entries are left out and logged.
  Result<std::vector<NodeCertificates>> List();
  // `uuid`: of the wrapper's process.
  Status Put(const std::string& uuid, const NodeCertificates& node);

 private:
  const Paths paths_;
  Znodes znodes_;
};

}  // namespace redis_zk::store
