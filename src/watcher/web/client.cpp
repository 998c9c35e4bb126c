#include "watcher/web/client.h"

#include <fmt/core.h>
#include <httplib.h>

#include <cctype>

namespace redis_zk::watcher::web {

namespace {

constexpr time_t kConnectSeconds = 2;
constexpr int kOk = 200;

// httplib::Client connects to what its argument resolves to; the port follows.
class Connection {
 public:
  Connection(const Endpoint& watcher, Duration patience)
      : watcher_(watcher), client_(watcher.host, watcher.port) {
    client_.set_connection_timeout(kConnectSeconds);
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(patience);
    client_.set_read_timeout(seconds.count(), 0);
  }

  httplib::Client& client() { return client_; }

  Result<Response> ToResponse(httplib::Result answer) const {
    if (answer) return Response{answer->status, std::move(answer->body)};
    const auto error = answer.error();
    const bool unsent = error == httplib::Error::Connection || error == httplib::Error::ConnectionTimeout;
    if (unsent) return Fail(ErrorKind::kUnavailable, "no watcher answers at " + watcher_.ToAddress());
    return Fail(ErrorKind::kUnknownOutcome,
                fmt::format("no watcher answers at {} in time", watcher_.ToAddress()));
  }

 private:
  const Endpoint watcher_;
  httplib::Client client_;
};

httplib::Headers ToHeaders(const Headers& headers) { return {headers.begin(), headers.end()}; }

}  // namespace

Result<Response> Get(const Endpoint& watcher, const std::string& path, const Headers& headers,
                     Duration patience) {
  Connection connection(watcher, patience);
  return connection.ToResponse(connection.client().Get(path.c_str(), ToHeaders(headers)));
}

Result<Response> Post(const Endpoint& watcher, const std::string& path, const Headers& headers,
                      Duration patience) {
  Connection connection(watcher, patience);
  return connection.ToResponse(
      connection.client().Post(path.c_str(), ToHeaders(headers), std::string(), "text/plain"));
}

Result<Response> Stream(const Endpoint& watcher, const std::string& path, const Headers& headers,
                        Duration patience, const Take& take) {
  Connection connection(watcher, patience);
  int status = kOk;
  bool ended = false;
  std::string refusal;
  auto answer = connection.client().Get(
      path.c_str(), ToHeaders(headers),
      [&status](const httplib::Response& response) {
        status = response.status;
        return true;
      },
      [&](const char* data, std::size_t length) {
        if (status != kOk) {
          refusal.append(data, length);
          return true;
        }
        ended = !take({data, length});
        return !ended;
      });
  if (ended) return Response{status, ""};
  auto reply = connection.ToResponse(std::move(answer));
  if (reply) reply->body = std::move(refusal);
  return reply;
}

Endpoint ReachableAt(const Endpoint& listen) {
  if (!IsWildcard(listen.host)) return listen;
  return {listen.host.find(':') == std::string::npos ? "127.0.0.1" : "::1", listen.port};
}

std::string Encoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = std::isalnum(byte) != 0 || std::string_view("-._~").find(c) != std::string_view::npos;
    encoded += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return encoded;
}

}  // namespace redis_zk::watcher::web
