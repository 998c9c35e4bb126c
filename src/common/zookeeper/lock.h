// The lock that kazoo's Lock takes, so that the Python original and this project exclude each other.
//
// Contenders are ephemeral sequential children "<32 hex>__lock__<10 digits>" of the lock's path; the lowest
// number holds the lock, everyone else watches the contender before it (kazoo 2.8, recipe/lock.py). Children
// with other names are not contenders.
//
// What it is worth: a lease. It is lost when the session ends, and this process may learn of that late. Never
// act on having held it; make every write that needs it conditional on node() still being there
// (Transaction::CheckOp), so that ZooKeeper itself refuses a holder that has lost it.
//
// Same thread as the session. It never blocks for the lock: Acquire takes one step, and a SessionEvent says
// when the next may be worth it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "zookeeper/session.h"

namespace redis_zk::zookeeper {

class Lock {
 public:
  // `path` must exist; `owner` is what the contender's znode says about who this is, for people.
  Lock(Session& session, std::string path, std::string owner);
  // Does not release: the session's end does, and so does Release.
  ~Lock() = default;
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

  // Joins the queue if need be. True: held now. False: others are before us, and the one just before is
  // watched. After an error, call again: a contender whose creation got no answer is found by its
  // name, however late it appears.
  Result<bool> Acquire();

  // Leaves the queue or gives the lock back.
  Status Release();

  // The contender's znode; empty while not in the queue.
  const std::string& node() const { return node_; }

 private:
  Result<std::vector<std::string>> ListContenders();
  Status DeleteOwn(const std::vector<std::string>& contenders, const std::string& kept);

  Session& session_;
  const std::string path_;
  const std::string owner_;
  std::string guid_;  // what the names of our contenders begin with; empty: none can be in the queue
  std::string node_;
  std::int64_t session_id_ = 0;  // the session that they belong to
};

// The sequence number of a contender's name; nothing when the name is not a contender's.
std::optional<std::int64_t> ContenderSequence(std::string_view name);

}  // namespace redis_zk::zookeeper
