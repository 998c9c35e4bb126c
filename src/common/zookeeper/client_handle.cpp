#include "zookeeper/client_handle.h"

#include <fmt/core.h>
#include <zookeeper/zookeeper.h>

#include <cerrno>
#include <cstring>

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

}  // namespace

ClientHandle::ClientHandle(const std::vector<std::string>& addresses, const std::string& chroot,
                           const Credentials& credentials, Duration session_timeout,
                           const Session::Sink& sink)
    : sink_(sink), state_(Clock::now()) {
  zoo_set_debug_level(ZOO_LOG_LEVEL_INFO);
  const std::string servers = ConnectString(addresses, chroot);
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
  // As a stranger it would be of no use. The client does not take it while a first connection has just
  // failed.
  if (code != ZOK) error_ = fmt::format("cannot log in to ZooKeeper: {}", zerror(code));
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
  self.TakeReport(ReportOf(state), zoo_client_id(client)->client_id, zoo_recv_timeout(client));
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
      log::Error(
          {.event = "zookeeper-auth-failed"},
          "ZooKeeper refused to authenticate session {:#x}; retrying with a new session; enable digest "
          "authentication in ZooKeeper, or unset ZK_USERNAME and ZK_PASSWORD",
          id_until_now);
      break;
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
