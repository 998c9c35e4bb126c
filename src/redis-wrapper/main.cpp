#include "base/log.h"
#include "daemon/health.h"
#include "os/child.h"
#include "os/descriptors.h"
#include "os/signals.h"
#include "redis-wrapper/options.h"
#include "redis-wrapper/wrapper.h"
#include "redis/servers.h"
#include "zookeeper/client_session.h"

int main(int argc, char** argv) {
  redis_zk::os::OpenStandardStreams();
  const redis_zk::BlockedSignals signals;
  const auto options = redis_zk::redis_wrapper::ReadWrapperOptions(argc, argv);
  if (options.command == redis_zk::daemon::kHealthCheck)
    return redis_zk::daemon::CheckHealth(options.common, options.server);
  redis_zk::InitLog("redis-wrapper", options.common.log_format, options.common.log_level);
  redis_zk::SetLogContext(options.common.master_name, options.server.announce.ToAddress());
  redis_zk::redis::ConnectedServers servers(options.common.credentials.redis);
  redis_zk::redis::ConnectedServers sentinels(options.common.credentials.sentinel);
  return redis_zk::redis_wrapper::Wrapper(options, signals,
                                          {redis_zk::zookeeper::OpenClientSession, {servers, sentinels}},
                                          redis_zk::os::LaunchChild)
      .Run();
}
