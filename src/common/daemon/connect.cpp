#include "daemon/connect.h"

#include <string>

#include "base/log.h"
#include "base/random_id.h"
#include "store/paths.h"

namespace redis_zk::daemon {

using zookeeper::kAnyVersion;
using zookeeper::Lifetime;
using zookeeper::Transaction;

namespace {

constexpr Duration kTryAgain = 200ms;

}  // namespace

std::optional<int> ExitWhenDenied(const Error& error) {
  if (error.kind != ErrorKind::kDenied) return std::nullopt;
  log::Error({.event = "zookeeper-permission-denied"}, "exiting: {}", error.message);
  return kExitConfig;
}

Connecting::Connecting(zookeeper::Session& session, const CommonOptions& options)
    : session_(session), options_(options), deadline_(Clock::now() + options.zk_connect_timeout) {
  log::Info({.event = "starting"}, "starting version {}: group {}, ZooKeeper {}", REDIS_ZK_VERSION,
            options.master_name, Describe(options.zk_hosts));
  session_.Maintain(Clock::now());
}

bool Connecting::Exit(int code) {
  exit_code_ = code;
  return true;
}

bool Connecting::Step() {
  const bool late = Clock::now() >= deadline_;
  if (session_.refused()) {
    const Error error{ErrorKind::kDenied,
                      "ZooKeeper " + Describe(options_.zk_hosts) +
                          " takes no digest credentials; enable them there, or unset ZK_USERNAME and "
                          "ZK_PASSWORD"};
    return Exit(*ExitWhenDenied(error));
  }
  if (!session_.connected()) {
    if (!late) return false;
    log::Error(
        {.event = "zookeeper-connect-timeout"},
        "exiting: ZooKeeper {} unreachable for {} ms (ZK_CONNECT_TIMEOUT); check ZK_HOSTS and the network",
        Describe(options_.zk_hosts), options_.zk_connect_timeout.count());
    return Exit(kExitUnavailable);
  }
  if (const auto made = MakeChroot(); !made) {
    if (const auto code = ExitWhenDenied(made.error())) return Exit(*code);
    if (!late) return false;
    log::Error(
        {.event = "zookeeper-chroot-timeout"},
        "exiting: no chroot in ZooKeeper {} within {} ms (ZK_CONNECT_TIMEOUT): {}; create it, or correct "
        "ZK_HOSTS",
        Describe(options_.zk_hosts), options_.zk_connect_timeout.count(), made.error().message);
    return Exit(kExitUnavailable);
  }
  const auto permitted = TryPermissions();
  if (permitted) return true;
  if (const auto code = ExitWhenDenied(permitted.error())) return Exit(*code);
  // What else is wrong, a quota for one, is told by the daemon's work, which may not need it.
  const ErrorKind kind = permitted.error().kind;
  return late || (kind != ErrorKind::kUnavailable && kind != ErrorKind::kUnknownOutcome);
}

TimePoint Connecting::look_again() const {
  return session_.connected() ? std::min(deadline_, Clock::now() + kTryAgain) : deadline_;
}

Status Connecting::MakeChroot() {
  if (options_.zk_hosts.chroot.empty()) return {};
  return session_.EnsurePath("/");
}

Status Connecting::TryPermissions() {
  // With its first child: a client that may delete in the parent could delete an empty root.
  if (auto made = session_.EnsurePath(store::Paths(options_.zk_root).Masters()); !made) return made;
  const std::string probe = options_.zk_root + "/permission-probe-" + NewUuid();
  const std::string inside = probe + "/inside";
  Transaction transaction;
  transaction.Add(Transaction::CreateOp{probe, "", Lifetime::kPersistent});
  transaction.Add(Transaction::CreateOp{inside, "", Lifetime::kPersistent});
  transaction.Add(Transaction::DeleteOp{inside, kAnyVersion});
  transaction.Add(Transaction::DeleteOp{probe, kAnyVersion});
  const auto committed = session_.Commit(transaction);
  if (!committed) return Fail("cannot use ZK_ROOT " + options_.zk_root, committed.error());
  return {};
}

}  // namespace redis_zk::daemon
