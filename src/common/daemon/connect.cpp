#include "daemon/connect.h"

#include <fmt/core.h>

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

// What an administrator can do where we may not create a path.
std::string LetCreate(const std::string& path, const zookeeper::Security& security) {
  return fmt::format("let an administrator create {} with an ACL for {}", path,
                     security.credentials.empty() ? "everybody" : "ZK_USERNAME");
}

}  // namespace

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

bool Connecting::ExitIfDenied(const Error& error) {
  if (error.kind != ErrorKind::kDenied) return false;
  log::Error({.event = "zookeeper-permission-denied"}, "exiting: {}", error.message);
  return Exit(kExitConfig);
}

bool Connecting::Step() {
  const bool late = Clock::now() >= deadline_;
  if (session_.refused())
    return ExitIfDenied({ErrorKind::kDenied, "ZooKeeper " + Describe(options_.zk_hosts) +
                                                 " takes no digest credentials; enable them there, or unset "
                                                 "ZK_USERNAME and ZK_PASSWORD"});
  if (!session_.connected()) {
    if (!late) return false;
    log::Error({.event = "zookeeper-connect-timeout"},
               "exiting: ZooKeeper {} unreachable for {} ms (ZK_CONNECT_TIMEOUT){}{}; check ZK_HOSTS and the "
               "network",
               Describe(options_.zk_hosts), options_.zk_connect_timeout.count(),
               session_.outage().empty() ? "" : ": ", session_.outage());
    return Exit(kExitUnavailable);
  }
  if (const auto made = MakeChroot(); !made) {
    if (ExitIfDenied(made.error())) return true;
    if (!late) return false;
    log::Error(
        {.event = "zookeeper-chroot-timeout"},
        "exiting: no chroot in ZooKeeper {} within {} ms (ZK_CONNECT_TIMEOUT): {}; create it, or correct "
        "ZK_HOSTS",
        Describe(options_.zk_hosts), options_.zk_connect_timeout.count(), made.error().message);
    return Exit(kExitUnavailable);
  }
  const auto permitted = TryPermissions();
  if (permitted) {
    WarnIfRootIsOpen();
    return true;
  }
  if (ExitIfDenied(permitted.error())) return true;
  // What else is wrong, a quota for one, is told by the daemon's work, which may not need it.
  const ErrorKind kind = permitted.error().kind;
  return late || (kind != ErrorKind::kUnavailable && kind != ErrorKind::kUnknownOutcome);
}

TimePoint Connecting::look_again() const {
  return session_.connected() ? std::min(deadline_, Clock::now() + kTryAgain) : deadline_;
}

Status Connecting::MakeChroot() {
  if (options_.zk_hosts.chroot.empty()) return {};
  auto made = session_.EnsurePath("/");
  if (made || made.error().kind != ErrorKind::kDenied) return made;
  return Fail(ErrorKind::kDenied,
              made.error().message + "; or " + LetCreate(options_.zk_hosts.chroot, options_.zk_security));
}

Status Connecting::TryPermissions() {
  const std::string& root = options_.zk_root;
  // With its first child: a client that may delete in the parent could delete an empty root.
  if (const auto made = session_.EnsurePath(store::Paths(root).Masters()); !made) {
    const auto there = session_.Exists(root, zookeeper::Watch::kNo);
    if (made.error().kind != ErrorKind::kDenied || !there || there->has_value())
      return Fail("cannot use ZK_ROOT " + root, made.error());
    return Fail("cannot create ZK_ROOT " + root,
                {ErrorKind::kDenied, made.error().message + "; or " + LetCreate(root, options_.zk_security)});
  }
  const std::string probe = root + "/permission-probe-" + NewUuid();
  const std::string inside = probe + "/inside";
  Transaction transaction;
  transaction.Add(Transaction::CreateOp{probe, "", Lifetime::kPersistent});
  transaction.Add(Transaction::CreateOp{inside, "", Lifetime::kPersistent});
  transaction.Add(Transaction::DeleteOp{inside, kAnyVersion});
  transaction.Add(Transaction::DeleteOp{probe, kAnyVersion});
  const auto committed = session_.Commit(transaction);
  if (committed) return {};
  // No client ever finds a znode of the probe's name.
  Error error = committed.error();
  if (const auto named = error.message.find(probe); named != std::string::npos)
    error.message.erase(0, error.message.find(": ", named) + 2);
  return Fail("cannot use ZK_ROOT " + root, error);
}

void Connecting::WarnIfRootIsOpen() {
  const auto& security = options_.zk_security;
  if (security.credentials.empty() || security.acl == zookeeper::AclPolicy::kOpen) return;
  const auto acl = session_.Acls({options_.zk_root}).front();
  if (!acl || !IsOpen(*acl, security)) return;
  log::Warn({.event = "zookeeper-root-open"},
            "ZK_ROOT {} is open to other users of ZooKeeper ({}), and what this daemon creates is closed to "
            "them; set ZK_ACL=open until all daemons have the same ZK_USERNAME and ZK_PASSWORD, then run "
            "watcher secure-zookeeper",
            options_.zk_root, Describe(*acl));
}

}  // namespace redis_zk::daemon
