#include "sentinel-wrapper/run.h"

#include "base/log.h"
#include "daemon/exposure.h"
#include "daemon/health.h"
#include "daemon/leftovers.h"
#include "net/lookup.h"
#include "net/resolver.h"
#include "os/child.h"
#include "os/core_dumps.h"
#include "os/descriptors.h"
#include "os/signals.h"
#include "redis/servers.h"
#include "sentinel-wrapper/options.h"
#include "sentinel-wrapper/wrapper.h"
#include "zookeeper/client_session.h"

namespace redis_zk::sentinel_wrapper {

int Run(int argc, char** argv) {
  os::OpenStandardStreams();
  os::ForbidCoreDumps();
  const BlockedSignals signals;
  const auto options = ReadWrapperOptions(argc, argv);
  if (options.command == daemon::kHealthCheck) return daemon::CheckHealth(options.common, options.server);
  InitLog("sentinel-wrapper", options.common.log_format, options.common.log_level);
  SetLogContext(options.common.master_name, options.server.announce.ToAddress());
  daemon::WarnOfSecretFiles(options.common);
  daemon::RemoveLeftovers(options.server);
  daemon::WarnIfOpen(options.common, options.server, "sentinel-wrapper");
  const auto* const tls = options.common.redis_tls.source.get();
  Resolver names(LookUp);
  redis::ConnectedServers servers({options.common.credentials.redis, tls, &names});
  redis::ConnectedServers sentinels({options.common.credentials.sentinel, tls, &names});
  return Wrapper(options, signals, {zookeeper::OpenClientSession, {servers, sentinels}}, os::LaunchChild)
      .Run();
}

}  // namespace redis_zk::sentinel_wrapper
