#include "store/sentinel_id.h"

namespace redis_zk::store {

std::string SentinelIdOf(std::string_view uuid) {
  constexpr std::size_t kRepeatedDigits = 8;
  std::string id(uuid);
  std::erase(id, '-');
  return id + id.substr(0, kRepeatedDigits);
}

std::vector<sentinel::Peer> PeersIn(const std::vector<Sentinel>& registered) {
  std::vector<sentinel::Peer> peers;
  for (const auto& sentinel : registered)
    peers.push_back({sentinel.endpoint, sentinel.ours ? SentinelIdOf(sentinel.uuid) : ""});
  return peers;
}

}  // namespace redis_zk::store
