// Where ZooKeeper is, as ZK_HOSTS says it. Values; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/endpoint.h"

namespace redis_zk::zookeeper {

// "host[:port],host[:port]...[/chroot]".
struct Hosts {
  std::vector<Endpoint> servers;
  std::string chroot;  // empty, or "/path" without a slash at its end
};

// An error's message says what was expected.
Result<Hosts> ParseHosts(std::string_view text);
// As ParseHosts reads it.
std::string Describe(const Hosts& hosts);

// A path: absolute, no empty part, no slash at its end.
Result<std::string> ParsePath(std::string_view text);

}  // namespace redis_zk::zookeeper
