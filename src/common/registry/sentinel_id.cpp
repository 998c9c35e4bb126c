#include "registry/sentinel_id.h"

namespace redis_zk::registry {

std::string SentinelIdOf(std::string_view uuid) {
  constexpr std::size_t kRepeatedDigits = 8;
  std::string id(uuid);
  std::erase(id, '-');
  return id + id.substr(0, kRepeatedDigits);
}

}  // namespace redis_zk::registry
