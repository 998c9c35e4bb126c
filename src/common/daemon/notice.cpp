#include "daemon/notice.h"

#include <utility>

#include "base/log.h"

namespace redis_zk::daemon {

namespace {

constexpr Duration kNoticeAgain = 10s;

}  // namespace

Notice::Notice(zookeeper::Session& session, std::function<Status()> write)
    : session_(session), write_(std::move(write)) {}

void Notice::Keep(TimePoint now) {
  if (!session_.connected() || written_session_ == session_.id() || now < write_at_) return;
  const std::int64_t session = session_.id();
  if (const auto written = write_(); !written) {
    write_at_ = Clock::now() + kNoticeAgain;
    log::Debug({.event = "zookeeper-request-failed"}, "{}", written.error().message);
    return;
  }
  written_session_ = session;
}

}  // namespace redis_zk::daemon
