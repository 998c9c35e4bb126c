// The wait for ZooKeeper at a start, the same for every daemon.
#pragma once

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <string>

#include "base/exit_code.h"
#include "base/log.h"
#include "base/time.h"
#include "options/common_options.h"
#include "zookeeper/session.h"

namespace redis_zk::daemon {

// Calls `pump(deadline)`, which waits for and handles one event, until the session is connected and its
// chroot is there. Returns the exit code where the start is over: `stopped()` says that a signal asked for
// it, or ZK_CONNECT_TIMEOUT has passed.
template <class Pump, class Stopped>
std::optional<int> ConnectZooKeeper(zookeeper::Session& session, const CommonOptions& options,
                                    const Pump& pump, const Stopped& stopped) {
  log::Info({.event = "starting"}, "starting version {}: group {}, ZooKeeper {}", REDIS_ZK_VERSION,
            options.master_name, Describe(options.zk_hosts));
  const TimePoint deadline = Clock::now() + options.zk_connect_timeout;
  session.Maintain(Clock::now());
  while (!session.connected()) {
    pump(deadline);
    if (stopped()) return kExitStopped;
    if (session.connected()) break;
    if (Clock::now() >= deadline) {
      log::Error(
          {.event = "zookeeper-connect-timeout"},
          "exiting: ZooKeeper {} unreachable for {} ms (ZK_CONNECT_TIMEOUT); check ZK_HOSTS and the network",
          Describe(options.zk_hosts), options.zk_connect_timeout.count());
      return kExitUnavailable;
    }
  }
  if (options.zk_hosts.chroot.empty()) return std::nullopt;
  for (auto made = session.EnsurePath("/"); !made; made = session.EnsurePath("/")) {
    if (Clock::now() >= deadline) {
      log::Error(
          {.event = "zookeeper-chroot-timeout"},
          "exiting: no chroot in ZooKeeper {} within {} ms (ZK_CONNECT_TIMEOUT): {}; create it, or correct "
          "ZK_HOSTS",
          Describe(options.zk_hosts), options.zk_connect_timeout.count(), made.error().message);
      return kExitUnavailable;
    }
    pump(std::min(deadline, Clock::now() + 200ms));
    if (stopped()) return kExitStopped;
  }
  return std::nullopt;
}

}  // namespace redis_zk::daemon
