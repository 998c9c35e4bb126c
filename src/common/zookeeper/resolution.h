// From host names to addresses. The C client would ask the name server on every turn of its own loop.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "net/endpoint.h"

namespace redis_zk::zookeeper {

// "host:port" for the C client, an IPv6 address without brackets. kUnavailable: not one of the names
// resolves. Blocks for as long as the name servers take. Any thread.
Result<std::vector<std::string>> ResolveNow(const std::vector<Endpoint>& servers);

}  // namespace redis_zk::zookeeper
