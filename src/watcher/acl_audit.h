// Looks every few minutes, a piece at a time, for znodes at and below the root that other users of ZooKeeper
// may use although we have credentials.
//
// Same thread as the session.
#pragma once

#include <optional>

#include "base/log.h"
#include "base/time.h"
#include "options/common_options.h"
#include "watcher/topology.h"
#include "zookeeper/session.h"
#include "zookeeper/tree_walk.h"

namespace redis_zk::watcher {

// One whole walk, at once. An error: ZooKeeper went away meanwhile.
Result<OpenZnodes> FindOpenZnodes(const CommonOptions& options, zookeeper::Session& session);

class AclAudit {
 public:
  // Both must outlive it.
  AclAudit(const CommonOptions& options, zookeeper::Session& session);

  // Looks at the next piece, when that is due. True: what was found has changed.
  bool Step(TimePoint now);
  // By the last walk that came to its end.
  const std::optional<OpenZnodes>& found() const { return found_; }

 private:
  bool Conclude(TimePoint now);

  const CommonOptions& options_;
  zookeeper::Session& session_;
  std::optional<zookeeper::TreeWalk> walk_;  // nothing: none is under way
  OpenZnodes counted_;                       // by it
  std::optional<OpenZnodes> found_;
  TimePoint begin_at_{};
  LogOnChange log_open_;
};

}  // namespace redis_zk::watcher
