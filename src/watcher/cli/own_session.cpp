#include "watcher/cli/own_session.h"

#include <algorithm>

#include "base/exit_code.h"
#include "base/time.h"
#include "watcher/cli/output.h"

namespace redis_zk::watcher::cli {

OwnSession::OwnSession(const CommonOptions& common, const zookeeper::SessionFactory& open_session)
    : common_(common),
      session_(open_session(common.zk_hosts, common.zk_security, common.zk_session_timeout,
                            [this](const zookeeper::SessionEvent&) { news_.Set(0); })) {}

Status OwnSession::Connect() {
  const std::string hosts = "ZooKeeper " + Describe(common_.zk_hosts);
  const TimePoint deadline = Clock::now() + common_.zk_connect_timeout;
  while (true) {
    const auto seen = news_.Get();
    session_->Maintain(Clock::now());
    if (session_->refused()) return Fail(ErrorKind::kDenied, hosts + " takes no digest credentials");
    if (session_->connected()) return {};
    if (Clock::now() >= deadline)
      return Fail(ErrorKind::kUnavailable, hosts + " unreachable; check ZK_HOSTS and the network");
    news_.GetNext(seen, std::min(deadline, Clock::now() + zookeeper::kUpkeep));
  }
}

int ComplainOfConnecting(const Error& error) {
  return Complain(error.kind == ErrorKind::kDenied ? kExitConfig : kExitUnavailable, error.message);
}

}  // namespace redis_zk::watcher::cli
