#include "redis-wrapper/run.h"

#include "daemon/begin.h"
#include "daemon/fleet_network.h"
#include "daemon/health.h"
#include "os/child.h"
#include "os/signals.h"
#include "redis-wrapper/options.h"
#include "redis-wrapper/wrapper.h"
#include "zookeeper/client_session.h"

namespace redis_zk::redis_wrapper {

int Run(int argc, char** argv) {
  daemon::PrepareProcess();
  const BlockedSignals signals;
  const auto options = ReadWrapperOptions(argc, argv);
  if (options.command == daemon::kHealthCheck) return daemon::CheckHealth(options.common, options.server);
  daemon::BeginWrapper("redis-wrapper", options.common, options.server);
  daemon::FleetNetwork fleet(options.common);
  return Wrapper(options, signals, {zookeeper::OpenClientSession, fleet.network()}, os::LaunchChild).Run();
}

}  // namespace redis_zk::redis_wrapper
