// Addresses: in znodes, options, Sentinel's words and HTTP queries.
#include "fuzz/fuzz.h"
#include "net/endpoint.h"
#include "options/parsers.h"
#include "zookeeper/hosts.h"

namespace redis_zk {

FUZZ_TARGET(text) {
  using fuzz::Check;
  if (const auto record = ParseRecord(text)) Check(ParseRecord(record->ToRecord()) == *record);
  if (const auto address = ParseAddress(text, std::nullopt))
    Check(ParseAddress(address->ToAddress(), std::nullopt) == *address);
  if (const auto hosts = zookeeper::ParseHosts(text)) {
    Check(!hosts->servers.empty());
    for (const auto& server : hosts->servers) Check(server.port != 0);
  }
  if (const auto duration = ParseDuration(text)) Check(*duration >= Duration::zero());
}

}  // namespace redis_zk
