#include <malloc.h>

#include <memory>
#include <utility>

#include "base/log.h"
#include "os/descriptors.h"
#include "os/signals.h"
#include "redis/servers.h"
#include "sentinel/subscriber.h"
#include "watcher/cli/commands.h"
#include "watcher/options.h"
#include "watcher/watcher.h"
#include "watcher/web/health_check.h"
#include "zookeeper/client_session.h"

int main(int argc, char** argv) {
  redis_zk::os::OpenStandardStreams();
  // An arena for each of many short-lived HTTP threads would cost more memory than all they allocate.
  mallopt(M_ARENA_MAX, 2);
  const redis_zk::BlockedSignals signals;
  const auto options = redis_zk::watcher::ReadWatcherOptions(argc, argv);
  if (options.command == redis_zk::watcher::web::kHealthCheck)
    return redis_zk::watcher::web::CheckHealth(options.listen);
  if (!options.command.empty()) return redis_zk::watcher::cli::Run(options, signals);
  redis_zk::InitLog("watcher", options.common.log_format, options.common.log_level);
  redis_zk::SetLogContext("", options.listen.ToAddress());
  redis_zk::redis::ConnectedServers servers(options.common.credentials.redis);
  redis_zk::redis::ConnectedServers sentinels(options.common.credentials.sentinel);
  const auto subscribe = [&options](const redis_zk::Endpoint& sentinel,
                                    redis_zk::sentinel::Subscription::Sink sink) {
    return std::make_unique<redis_zk::sentinel::Subscriber>(sentinel, options.common.credentials.sentinel,
                                                            options.sentinel_timeout, std::move(sink));
  };
  return redis_zk::watcher::Watcher(options, signals,
                                    {redis_zk::zookeeper::OpenClientSession, {servers, sentinels}, subscribe})
      .Run();
}
