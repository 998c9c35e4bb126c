#include "zookeeper/client_session.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/random_id.h"
#include "zookeeper/client_handle.h"
#include "zookeeper/requests.h"
#include "zookeeper/resolution.h"

namespace redis_zk::zookeeper {

namespace {

constexpr Duration kFirstRetry = 200ms;
constexpr Duration kLongestRetry = 5s;
// While the loop waits for an answer, it does nothing else and takes no signal. A server that needs longer is
// as good as away; what it did with the request is found out by reading.
constexpr Duration kLongestRequest = 5s;

template <class MakeRequest>
auto RequestsFor(const std::vector<std::string>& paths, Watch watch, const MakeRequest& make) {
  std::vector<decltype(make(std::string(), watch))> requests;
  requests.reserve(paths.size());
  for (const auto& path : paths) requests.push_back(make(path, watch));
  return requests;
}

}  // namespace

ClientSession::ClientSession(Hosts hosts, Security security, Duration session_timeout, Sink sink)
    : hosts_(std::move(hosts)),
      credentials_(security.credentials),
      acl_(AclFor(security)),
      session_timeout_(session_timeout),
      request_timeout_(std::min(session_timeout, kLongestRequest)),
      sink_(std::move(sink)),
      backoff_(kFirstRetry, kLongestRetry, RandomFraction),
      survey_([this] {
        sink_({SessionEvent::Kind::kProgress, ""});
      }),
      chroot_(hosts_.chroot, std::move(security), session_timeout, request_timeout_, backoff_) {}

ClientSession::~ClientSession() = default;

void ClientSession::Maintain(TimePoint now) {
  if (handle_) {
    const auto& state = handle_->state();
    survey_.Look(addresses_, state.connected() ? std::nullopt : std::optional(state.DisconnectedFor(now)),
                 now);
  }
  if (KeepHandle(now)) return;
  if (!resolving_) {
    if (now >= retry_at_) BeginResolving(now);
    return;
  }
  const auto resolved = resolving_->Take();
  if (!resolved) return;
  resolving_.reset();
  if (const auto& addresses = *resolved; addresses) {
    Open(*addresses);
  } else {
    refused_ = false;
    log_problem_(log::Severity::kWarn, {.event = "zookeeper-unresolved"},
                 "cannot resolve the ZooKeeper hosts, retrying: " + addresses.error().message);
  }
}

bool ClientSession::KeepHandle(TimePoint now) {
  if (!handle_) return false;
  const auto& state = handle_->state();
  if (state.connected()) {
    backoff_.Reset();
    log_problem_.Reset();
  }
  // A new handle also resolves the names again, which the old one never would.
  const bool silent = state.Outlived(session_timeout_, now);
  if (!state.ended() && !silent) return true;
  if (silent)
    log_problem_(
        log::Severity::kWarn, {.event = "zookeeper-silent"},
        fmt::format("ZooKeeper unreachable for longer than the session timeout{}{}; retrying with a new "
                    "session",
                    survey_.said().empty() ? "" : ": ", survey_.said()));
  refused_ = state.refused();
  if (refused_)
    log_problem_(log::Severity::kError, {.event = "zookeeper-auth-failed"},
                 "ZooKeeper refused the login with ZK_USERNAME; retrying with a new session; enable digest "
                 "authentication in ZooKeeper, or unset ZK_USERNAME and ZK_PASSWORD");
  handle_.reset();
  // Only a person changes that.
  retry_at_ = refused_ ? now + kLongestRetry : now;
  return false;
}

void ClientSession::BeginResolving(TimePoint now) {
  retry_at_ = now + backoff_.Next();
  auto begun = Resolution::Begin([servers = hosts_.servers] { return ResolveNow(servers); },
                                 [sink = sink_] {
                                   sink({SessionEvent::Kind::kProgress, ""});
                                 });
  if (begun) {
    resolving_ = std::move(*begun);
    return;
  }
  log_problem_(log::Severity::kWarn, {.event = "zookeeper-resolver-failed"},
               fmt::format("cannot start a thread to resolve the ZooKeeper hosts, retrying: {}; raise the "
                           "limit of processes",
                           begun.error().message));
}

void ClientSession::Open(const std::vector<std::string>& addresses) {
  auto handle =
      std::make_unique<ClientHandle>(addresses, hosts_.chroot, credentials_, session_timeout_, sink_);
  if (!handle->error().empty()) {
    log_problem_(log::Severity::kWarn, {.event = "zookeeper-client-failed"}, handle->error() + "; retrying");
    return;
  }
  handle_ = std::move(handle);
  addresses_ = addresses;
}

bool ClientSession::connected() const { return handle_ && handle_->state().connected(); }

bool ClientSession::refused() const { return handle_ ? handle_->state().refused() : refused_; }

std::int64_t ClientSession::id() const { return handle_ ? handle_->state().id() : 0; }

bool ClientSession::Answers(Duration within) { return Ask(handle_.get(), within, SyncRequest()).has_value(); }

Result<Node> ClientSession::Get(const std::string& path, Watch watch) {
  return Ask(handle_.get(), request_timeout_, GetRequest(path, watch));
}

std::vector<Result<Node>> ClientSession::GetAll(const std::vector<std::string>& paths, Watch watch) {
  return AskAll(handle_.get(), request_timeout_, RequestsFor(paths, watch, GetRequest));
}

Result<std::optional<NodeStat>> ClientSession::Exists(const std::string& path, Watch watch) {
  return Ask(handle_.get(), request_timeout_, ExistsRequest(path, watch));
}

Result<std::vector<std::string>> ClientSession::Children(const std::string& path, Watch watch) {
  return Ask(handle_.get(), request_timeout_, ChildrenRequest(path, watch));
}

std::vector<Result<std::vector<std::string>>> ClientSession::ChildrenOfAll(
    const std::vector<std::string>& paths, Watch watch) {
  return AskAll(handle_.get(), request_timeout_, RequestsFor(paths, watch, ChildrenRequest));
}

Result<std::string> ClientSession::Create(const std::string& path, const std::string& data,
                                          Lifetime lifetime) {
  return Ask(handle_.get(), request_timeout_, CreateRequest(path, data, lifetime, acl_));
}

Status ClientSession::Set(const std::string& path, const std::string& data, std::int32_t version) {
  return Ask(handle_.get(), request_timeout_, SetRequest(path, data, version));
}

Status ClientSession::Delete(const std::string& path, std::int32_t version) {
  return Ask(handle_.get(), request_timeout_, DeleteRequest(path, version));
}

Status ClientSession::Commit(const Transaction& transaction) {
  return Ask(handle_.get(), request_timeout_, CommitRequest(transaction, acl_));
}

std::vector<Result<Acl>> ClientSession::Acls(const std::vector<std::string>& paths) {
  std::vector<Request<Acl>> requests;
  for (const auto& path : paths) requests.push_back(AclRequest(path));
  return AskAll(handle_.get(), request_timeout_, requests);
}

Status ClientSession::SetAcl(const std::string& path, const Acl& acl) {
  return Ask(handle_.get(), request_timeout_, SetAclRequest(path, acl));
}

Status ClientSession::EnsureChroot() {
  if (hosts_.chroot.empty()) return {};
  // To this client "/" is the chroot itself, and nothing is above it.
  auto made = EnsureNode("/");
  if (made) return made;
  const ErrorKind kind = made.error().kind;
  const bool is_missing =
      kind == ErrorKind::kNotFound || kind == ErrorKind::kRefused || kind == ErrorKind::kDenied;
  return is_missing ? chroot_.Make(addresses_) : made;
}

std::unique_ptr<Session> OpenClientSession(const Hosts& hosts, const Security& security,
                                           Duration session_timeout, Session::Sink sink) {
  return std::make_unique<ClientSession>(hosts, security, session_timeout, std::move(sink));
}

}  // namespace redis_zk::zookeeper
