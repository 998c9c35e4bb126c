// The command `healthcheck`: asks the watcher that runs here how it is, over HTTP.
#pragma once

#include <string_view>

#include "net/endpoint.h"

namespace redis_zk::watcher::web {

inline constexpr std::string_view kHealthCheck = "healthcheck";

// Prints what the watcher at `listen` answers to /healthz; 0 when it is well, else 1. Takes some seconds at
// most.
int CheckHealth(const Endpoint& listen);

}  // namespace redis_zk::watcher::web
