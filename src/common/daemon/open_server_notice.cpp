#include "daemon/open_server_notice.h"

#include <utility>

#include "base/log.h"

namespace redis_zk::daemon {

namespace {

constexpr Duration kNoticeAgain = 10s;

}  // namespace

OpenServerNotice::OpenServerNotice(zookeeper::Session& session, store::OpenServers& open_servers,
                                   std::string uuid, store::OpenServer server)
    : session_(session), open_servers_(open_servers), uuid_(std::move(uuid)), server_(std::move(server)) {}

void OpenServerNotice::Keep(TimePoint now) {
  if (!session_.connected() || written_session_ == session_.id() || now < write_at_) return;
  const std::int64_t session = session_.id();
  if (const auto written = open_servers_.Put(uuid_, server_); !written) {
    write_at_ = Clock::now() + kNoticeAgain;
    log::Debug({.event = "zookeeper-request-failed"}, "{}", written.error().message);
    return;
  }
  written_session_ = session;
}

}  // namespace redis_zk::daemon
