// The command secure-zookeeper: makes the ACLs of a tree that is there already what ZK_ACL says.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "base/result.h"
#include "watcher/options.h"
#include "zookeeper/session.h"

namespace redis_zk::watcher::cli {

// What was found and done with a tree, in znodes.
struct Secured {
  std::size_t seen = 0;
  std::size_t open = 0;  // with `check` only
  std::size_t changed = 0;
  std::size_t failed = 0;  // we may not see or change the ACL
};

// Of the root and of everything below it. `check`: changes nothing, and tells what is open. `tell` gets a
// line for each znode that is, or that was changed; `complain` for each where that failed. An error:
// ZooKeeper went away meanwhile. Doing it again is harmless.
Result<Secured> SecureTree(zookeeper::Session& session, const std::string& root,
                           const zookeeper::Security& security, bool check,
                           const std::function<void(const std::string&)>& tell,
                           const std::function<void(const std::string&)>& complain);

// The whole command: its exit code.
int SecureZooKeeper(WatcherOptions options, const zookeeper::SessionFactory& open_session);

}  // namespace redis_zk::watcher::cli
