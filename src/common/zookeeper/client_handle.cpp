#include "zookeeper/client_handle.h"

#include <fmt/core.h>
#include <zookeeper/zookeeper.h>

#include <cerrno>
#include <cstring>
#include <latch>
#include <system_error>
#include <thread>

#include "base/log.h"

namespace redis_zk::zookeeper {

namespace {

using Report = SessionState::Report;

Report ReportOf(int state) {
  if (state == ZOO_CONNECTED_STATE) return Report::kConnected;
  if (state == ZOO_EXPIRED_SESSION_STATE) return Report::kExpired;
  return state == ZOO_AUTH_FAILED_STATE ? Report::kAuthFailed : Report::kDisconnected;
}

// Our own lines say the same in fewer words, so these are for debugging.
void OnClientLog(const char* message) {
  log::Debug({.event = "zookeeper-client"}, "ZooKeeper client: {}", WithoutClientPrefix(message));
}

// The C client asserts that its two threads can be started, which would end this process and its server.
// Empty: they can.
std::string TryThreads() {
  std::latch tried(1);
  const auto wait = [&tried] { tried.wait(); };
  std::thread first;
  std::thread second;
  std::string failure;
  try {
    first = std::thread(wait);
    second = std::thread(wait);
  } catch (const std::system_error& error) {
    failure = fmt::format(
        "cannot start the threads of the ZooKeeper client: {}; raise the limit of processes", error.what());
  }
  tried.count_down();
  if (first.joinable()) first.join();
  if (second.joinable()) second.join();
  return failure;
}

}  // namespace

ClientHandle::ClientHandle(const std::vector<std::string>& addresses, const std::string& chroot,
                           const Credentials& credentials, Duration session_timeout,
                           const Session::Sink& sink)
    : sink_(sink), state_(Clock::now()), logs_in_(!credentials.empty()) {
  zoo_set_debug_level(ZOO_LOG_LEVEL_INFO);
  const std::string servers = ConnectString(addresses, chroot);
  const std::scoped_lock login_first(login_sent_);
  if (error_ = TryThreads(); !error_.empty()) return;
  // The first event may arrive before it returns.
  raw_ = zookeeper_init2(servers.c_str(), &ClientHandle::OnEvent, static_cast<int>(session_timeout.count()),
                         nullptr, this, 0, &OnClientLog);
  if (raw_ != nullptr) {
    zoo_set_servers_resolution_delay(raw_, -1);
    Authenticate(credentials);
  } else {
    const int code = errno;
    error_ = fmt::format("cannot open a ZooKeeper session with \"{}\": {}", servers, std::strerror(code));
  }
}

void ClientHandle::Authenticate(const Credentials& credentials) {
  if (credentials.empty()) return;
  const std::string known = credentials.username + ':' + credentials.password;
  // Sent before any request of ours, again with each connection; a refusal is an event of the session.
  const int code =
      zoo_add_auth(raw_, "digest", known.data(), static_cast<int>(known.size()), nullptr, nullptr);
  if (code == ZOK) return;
  // As a stranger it would be of no use.
  error_ = code == ZINVALIDSTATE ? "ZooKeeper refused the connection"
                                 : fmt::format("cannot log in to ZooKeeper: {}", zerror(code));
}

ClientHandle::~ClientHandle() {
  // Joins the client's threads.
  if (raw_ != nullptr) zookeeper_close(raw_);
}

void ClientHandle::OnEvent(zhandle_t* client, int type, int state, const char* path, void* context) {
  auto& self = *static_cast<ClientHandle*>(context);
  if (type != ZOO_SESSION_EVENT) {
    self.sink_({SessionEvent::Kind::kNodeChanged, path == nullptr ? "" : path});
    return;
  }
  const Report report = ReportOf(state);
  if (report == Report::kConnected && self.logs_in_) {
    // The client's threads may be faster than who started them.
    { const std::scoped_lock login_first(self.login_sent_); }
    return self.AwaitLogin(client);
  }
  self.TakeReport(report, zoo_client_id(client)->client_id, zoo_recv_timeout(client));
}

void ClientHandle::AwaitLogin(zhandle_t* client) {
  coming_id_ = zoo_client_id(client)->client_id;
  coming_timeout_ms_ = zoo_recv_timeout(client);
  // Where it cannot be sent, the connection has broken again, which is another event.
  zoo_aexists(client, "/", 0, &ClientHandle::OnAnswer, this);
}

void ClientHandle::OnAnswer(int code, const Stat* /*stat*/, const void* context) {
  auto& self = *static_cast<ClientHandle*>(const_cast<void*>(context));
  // Any answer will do. Without one, the end of the connection is another event, too.
  switch (code) {
    case ZCONNECTIONLOSS:
    case ZOPERATIONTIMEOUT:
    case ZSESSIONEXPIRED:
    case ZSESSIONMOVED:
    case ZAUTHFAILED:
    case ZCLOSING:
    case ZINVALIDSTATE:
      return;
    default:
      break;
  }
  self.TakeReport(Report::kConnected, self.coming_id_, self.coming_timeout_ms_);
}

void ClientHandle::TakeReport(Report report, std::int64_t id, int timeout_ms) {
  const std::int64_t id_until_now = state_.id();
  const auto news = state_.Take(report, id, Clock::now());
  if (!news) return;
  switch (report) {
    case Report::kConnected:
      log::Info({.event = "zookeeper-connected"}, "ZooKeeper connected: session {:#x}, session timeout {} ms",
                id, timeout_ms);
      break;
    case Report::kDisconnected:
      log::Warn({.event = "zookeeper-lost"}, "ZooKeeper connection lost; retrying");
      break;
    case Report::kExpired:
      log::Warn({.event = "zookeeper-expired"}, "ZooKeeper session {:#x} expired; retrying with a new one",
                id_until_now);
      break;
    case Report::kAuthFailed:
      break;  // the owner says so, once for many handles
  }
  sink_({*news, ""});
}

std::string ConnectString(const std::vector<std::string>& addresses, const std::string& chroot) {
  std::string text;
  for (const auto& address : addresses) text += (text.empty() ? "" : ",") + address;
  if (addresses.size() % 2 == 0) text += ',' + addresses.front();
  return text + chroot;
}

std::string_view WithoutClientPrefix(std::string_view line) {
  if (const auto function = line.find('@'); function != std::string_view::npos) {
    if (const auto colon = line.find(": ", function); colon != std::string_view::npos)
      line.remove_prefix(colon + 2);
  }
  while (line.ends_with('\n')) line.remove_suffix(1);
  return line;
}

}  // namespace redis_zk::zookeeper
