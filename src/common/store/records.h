// The truth about each group: who is its master.
//
// Same thread as the session. Reads set their watches when asked to; a watch fires once.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/groups.h"
#include "store/paths.h"
#include "store/record.h"
#include "zookeeper/session.h"

namespace redis_zk::store {

class Records {
 public:
  Records(zookeeper::Session& session, const std::string& root)
      : session_(session), paths_(root), groups_(session, root) {}

  // Where the truth about a group stands, and where its lock's contenders queue.
  std::string Path(const std::string& group) const { return paths_.Master(group); }

  Result<Record> Read(const std::string& group, zookeeper::Watch watch);
  // Of many groups at once, in about two round trips. Those that have no znode are left out.
  Result<std::map<std::string, Record>> ReadAll(const std::vector<std::string>& groups,
                                                zookeeper::Watch watch);

  // Replaces the record that `replaced` was read as; kConflict when another client did first. The mirror and
  // the lineage change with it. `lock_node`, when not empty, must still exist.
  // A failure changed nothing; after kUnknownOutcome all of it may have changed: find out by reading.
  Status Write(const std::string& group, const Record& replaced, const NextRecord& next,
               const std::string& lock_node);

 private:
  zookeeper::Session& session_;
  const Paths paths_;
  Groups groups_;  // makes what a write misses
};

}  // namespace redis_zk::store
