#include "watcher/web/health_check.h"

#include <httplib.h>

#include <cstdio>
#include <string>

#include "base/exit_code.h"
#include "net/interface.h"

namespace redis_zk::watcher::web {

namespace {

constexpr time_t kTimeoutSeconds = 2;
// Docker keeps 2 for itself.
constexpr int kExitUnwell = 1;

}  // namespace

int CheckHealth(const Endpoint& listen) {
  std::string host = listen.host;
  if (IsWildcard(host)) host = host.find(':') == std::string::npos ? "127.0.0.1" : "::1";
  httplib::Client client(host, listen.port);
  client.set_connection_timeout(kTimeoutSeconds);
  client.set_read_timeout(kTimeoutSeconds);
  const auto answer = client.Get("/healthz");
  if (!answer) {
    std::printf("no watcher answers at %s\n", Endpoint{host, listen.port}.ToAddress().c_str());
    return kExitUnwell;
  }
  std::printf("%s\n", answer->body.c_str());
  return answer->status == 200 ? kExitStopped : kExitUnwell;
}

}  // namespace redis_zk::watcher::web
