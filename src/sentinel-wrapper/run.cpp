#include "sentinel-wrapper/run.h"

#include "daemon/begin.h"
#include "daemon/fleet_network.h"
#include "daemon/health.h"
#include "os/child.h"
#include "os/signals.h"
#include "sentinel-wrapper/options.h"
#include "sentinel-wrapper/wrapper.h"
#include "zookeeper/client_session.h"

namespace redis_zk::sentinel_wrapper {

int Run(int argc, char** argv) {
  daemon::PrepareProcess();
  const BlockedSignals signals;
  const auto options = ReadWrapperOptions(argc, argv);
  if (options.command == daemon::kHealthCheck) return daemon::CheckHealth(options.common, options.server);
  daemon::BeginWrapper("sentinel-wrapper", options.common, options.server);
  daemon::FleetNetwork fleet(options.common);
  return Wrapper(options, signals, {zookeeper::OpenClientSession, fleet.network()}, os::LaunchChild).Run();
}

}  // namespace redis_zk::sentinel_wrapper
