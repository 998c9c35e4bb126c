#include "zookeeper/chroot.h"

#include <fmt/core.h>

#include <future>
#include <mutex>
#include <utility>

#include "zookeeper/client_handle.h"
#include "zookeeper/requests.h"

namespace redis_zk::zookeeper {

ChrootMaker::ChrootMaker(std::string chroot, Security security, Duration session_timeout,
                         Duration request_timeout, Backoff backoff)
    : chroot_(std::move(chroot)),
      security_(std::move(security)),
      session_timeout_(session_timeout),
      request_timeout_(request_timeout),
      backoff_(std::move(backoff)) {}

Status ChrootMaker::Make(const std::vector<std::string>& addresses) {
  if (Clock::now() < try_at_) return made_;
  made_ = Try(addresses);
  try_at_ = TimePoint{};
  if (made_) {
    backoff_.Reset();
    log_problem_.Reset();
  } else {
    try_at_ = Clock::now() + backoff_.Next();
    // The caller says what is denied.
    if (made_.error().kind == ErrorKind::kDenied) return made_;
    log_problem_(
        log::Severity::kError, {.event = "zookeeper-chroot-missing"},
        fmt::format("cannot use the ZooKeeper chroot, retrying: {}; create it, or allow us to create znodes "
                    "in its parent",
                    made_.error().message));
  }
  return made_;
}

Status ChrootMaker::Try(const std::vector<std::string>& addresses) const {
  std::promise<void> connected;
  std::once_flag once;
  const Session::Sink sink = [&](const SessionEvent& event) {
    if (event.kind == SessionEvent::Kind::kConnected) std::call_once(once, [&] { connected.set_value(); });
  };
  const std::string what = "cannot create the chroot " + chroot_;
  const ClientHandle handle(addresses, "", security_.credentials, session_timeout_, sink);
  if (!handle.error().empty()) return Fail(ErrorKind::kInternal, what + ": " + handle.error());
  if (connected.get_future().wait_for(request_timeout_) != std::future_status::ready)
    return Fail(ErrorKind::kUnavailable, what + ": ZooKeeper does not answer");
  for (std::size_t slash = 0; slash != std::string::npos;) {
    slash = chroot_.find('/', slash + 1);
    const std::string path = chroot_.substr(0, slash);
    // Of one that is there, its parent may be closed to us.
    const auto there = Ask(&handle, request_timeout_, ExistsRequest(path, Watch::kNo));
    if (there && there->has_value()) continue;
    auto request = CreateRequest(path, "", Lifetime::kPersistent, AclFor(security_));
    request.what = what;
    const auto created = Ask(&handle, request_timeout_, request);
    if (!created && created.error().kind != ErrorKind::kAlreadyExists) return tl::unexpected(created.error());
  }
  log::Info({.event = "zookeeper-chroot-created"}, "ZooKeeper chroot {} created", chroot_);
  return {};
}

}  // namespace redis_zk::zookeeper
