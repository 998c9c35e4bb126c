#include "zookeeper/resolution.h"

#include <fmt/core.h>

#include "net/lookup.h"

namespace redis_zk::zookeeper {

Result<std::vector<std::string>> ResolveNow(const std::vector<Endpoint>& servers) {
  std::vector<std::string> addresses;
  std::string failures;
  for (const auto& server : servers) {
    const auto found = LookUp(server.host);
    if (!found) {
      failures += (failures.empty() ? "" : ", ") + found.error().message;
      continue;
    }
    // The client splits at the last colon and takes no brackets.
    for (const auto& address : *found) addresses.push_back(fmt::format("{}:{}", address, server.port));
  }
  if (addresses.empty())
    return Fail(ErrorKind::kUnavailable, "no ZooKeeper host resolves (" + failures + ")");
  return addresses;
}

}  // namespace redis_zk::zookeeper
