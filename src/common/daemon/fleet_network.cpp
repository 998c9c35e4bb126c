#include "daemon/fleet_network.h"

#include "net/lookup.h"

namespace redis_zk::daemon {

FleetNetwork::FleetNetwork(const CommonOptions& options)
    : names_(LookUp),
      to_sentinels_{options.credentials.sentinel, options.redis_tls.source.get(), &names_},
      servers_({options.credentials.redis, options.redis_tls.source.get(), &names_}),
      sentinels_(to_sentinels_) {}

}  // namespace redis_zk::daemon
