#include "watcher/run.h"

#include <malloc.h>

#include <memory>
#include <utility>

#include "base/log.h"
#include "daemon/exposure.h"
#include "net/lookup.h"
#include "net/resolver.h"
#include "os/core_dumps.h"
#include "os/descriptors.h"
#include "os/signals.h"
#include "redis/servers.h"
#include "sentinel/subscriber.h"
#include "watcher/cli/commands.h"
#include "watcher/options.h"
#include "watcher/watcher.h"
#include "watcher/web/health_check.h"
#include "zookeeper/client_session.h"

namespace redis_zk::watcher {

int Run(int argc, char** argv) {
  os::OpenStandardStreams();
  os::ForbidCoreDumps();
  // An arena for each of many short-lived HTTP threads would cost more memory than all they allocate.
  mallopt(M_ARENA_MAX, 2);
  const BlockedSignals signals;
  const auto options = ReadWatcherOptions(argc, argv);
  if (options.command == web::kHealthCheck) return web::CheckHealth(options.ask.watcher);
  if (!options.command.empty()) return cli::Run(options, signals);
  InitLog("watcher", options.common.log_format, options.common.log_level);
  SetLogContext("", options.listen.ToAddress());
  daemon::WarnOfSecretFiles(options.common);
  const auto* const tls = options.common.redis_tls.source.get();
  Resolver names(LookUp);
  redis::ConnectedServers servers({options.common.credentials.redis, tls, &names});
  const redis::Access to_sentinel{options.common.credentials.sentinel, tls, &names};
  redis::ConnectedServers sentinels(to_sentinel);
  const auto subscribe = [&options, &to_sentinel](const Endpoint& sentinel,
                                                  sentinel::Subscription::Sink sink) {
    return std::make_unique<sentinel::Subscriber>(sentinel, to_sentinel, options.sentinel_timeout,
                                                  std::move(sink));
  };
  return Watcher(options, signals, {zookeeper::OpenClientSession, {servers, sentinels}, subscribe}).Run();
}

}  // namespace redis_zk::watcher
