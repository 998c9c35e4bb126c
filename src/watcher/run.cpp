#include "watcher/run.h"

#include <malloc.h>

#include <memory>
#include <utility>

#include "base/log.h"
#include "daemon/begin.h"
#include "daemon/exposure.h"
#include "daemon/fleet_network.h"
#include "os/signals.h"
#include "sentinel/subscriber.h"
#include "watcher/cli/commands.h"
#include "watcher/options.h"
#include "watcher/watcher.h"
#include "watcher/web/health_check.h"
#include "zookeeper/client_session.h"

namespace redis_zk::watcher {

int Run(int argc, char** argv) {
  daemon::PrepareProcess();
  // An arena for each of many short-lived HTTP threads would cost more memory than all they allocate.
  mallopt(M_ARENA_MAX, 2);
  const BlockedSignals signals;
  const auto options = ReadWatcherOptions(argc, argv);
  if (options.command == web::kHealthCheck) return web::CheckHealth(options.ask.watcher);
  if (!options.command.empty()) return cli::Run(options, signals);
  InitLog("watcher", options.common.log_format, options.common.log_level);
  SetLogContext("", options.listen.ToAddress());
  daemon::WarnOfSecretFiles(options.common);
  daemon::FleetNetwork fleet(options.common);
  const auto subscribe = [&options, &fleet](const Endpoint& sentinel, sentinel::Subscription::Sink sink) {
    return std::make_unique<sentinel::Subscriber>(sentinel, fleet.to_sentinels(), options.sentinel_timeout,
                                                  std::move(sink));
  };
  return Watcher(options, signals, {zookeeper::OpenClientSession, fleet.network(), subscribe}).Run();
}

}  // namespace redis_zk::watcher
