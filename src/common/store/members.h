// The redis-wrappers that live, each registered in its group.
//
// Same thread as the session, with which a registration ends. Reads set their watches when asked to; a watch
// fires once. Unreadable entries are left out and logged.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/paths.h"
#include "store/record.h"
#include "store/znodes.h"
#include "zookeeper/session.h"

namespace redis_zk::store {

class Members {
 public:
  Members(zookeeper::Session& session, const std::string& root)
      : session_(session), paths_(root), znodes_(session) {}

  // Ordered by uuid.
  Result<std::vector<Member>> List(const std::string& group, zookeeper::Watch watch);
  // Of many groups at once, in about two round trips, by group.
  // `closed`: as of Znodes::List.
  Result<std::map<std::string, std::vector<Member>>> ListAll(const std::vector<std::string>& groups,
                                                             std::size_t* closed = nullptr);
  // Registers, or says anew what is registered, also in place of an earlier session.
  Status Register(const std::string& group, const Member& member);

 private:
  zookeeper::Session& session_;
  const Paths paths_;
  Znodes znodes_;
};

}  // namespace redis_zk::store
