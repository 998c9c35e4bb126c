// The command `healthcheck`: asks the watcher that runs here how it is, over HTTP or HTTPS.
#pragma once

#include <string_view>

#include "watcher/web/client.h"

namespace redis_zk::watcher::web {

inline constexpr std::string_view kHealthCheck = "healthcheck";

// Prints what the watcher answers to /healthz; 0 when it is well, or is up and rejects our certificate,
// else 1. Takes some seconds at most.
int CheckHealth(const Target& watcher);

}  // namespace redis_zk::watcher::web
