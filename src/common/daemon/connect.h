// The wait for ZooKeeper at a start, the same for every daemon.
#pragma once

#include <algorithm>
#include <optional>

#include "base/exit_code.h"
#include "base/result.h"
#include "base/time.h"
#include "options/common_options.h"
#include "zookeeper/session.h"

namespace redis_zk::daemon {

class Connecting {
 public:
  // Both must outlive it.
  Connecting(zookeeper::Session& session, const CommonOptions& options);

  // Whether the wait is over: connected, with a chroot and with the right to use ZK_ROOT, or with an exit
  // code.
  bool Step();
  const std::optional<int>& exit_code() const { return exit_code_; }
  // When to take the next step, unless something happens before.
  TimePoint look_again() const;

 private:
  bool Exit(int code);
  // Whether the error is one that only other credentials or another ACL end: then the wait is over.
  bool ExitIfDenied(const Error& error);
  Status MakeChroot();
  // Makes ZK_ROOT with a first child, and finds out whether we may create and delete below it, and whether
  // the ACL of what we create lets us in. Leaves nothing else behind.
  Status TryPermissions();
  // Where ZK_ROOT was made by another ZooKeeper user, or before there were credentials.
  void WarnIfRootIsOpen();

  zookeeper::Session& session_;
  const CommonOptions& options_;
  const TimePoint deadline_;
  std::optional<int> exit_code_;
};

// Calls `pump(deadline)`, which waits for and handles one event, until ZooKeeper can be used. Returns the
// exit code where the start is over: `stopped()` says that a signal asked for it, ZooKeeper denies us what we
// need, or ZK_CONNECT_TIMEOUT has passed.
template <class Pump, class Stopped>
std::optional<int> ConnectZooKeeper(zookeeper::Session& session, const CommonOptions& options,
                                    const Pump& pump, const Stopped& stopped) {
  Connecting connecting(session, options);
  while (!connecting.Step()) {
    pump(connecting.look_again());
    if (stopped()) return kExitStopped;
  }
  return connecting.exit_code();
}

}  // namespace redis_zk::daemon
