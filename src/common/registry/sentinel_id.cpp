#include "registry/sentinel_id.h"

#include <array>
#include <cstddef>

namespace redis_zk::registry {

namespace {

constexpr std::size_t kRepeatedDigits = 8;
constexpr std::array<std::size_t, 4> kUuidDashes{8, 13, 18, 23};

}  // namespace

std::string SentinelIdOf(std::string_view uuid) {
  std::string id(uuid);
  std::erase(id, '-');
  return id + id.substr(0, kRepeatedDigits);
}

std::string UuidOf(std::string_view sentinel_id) {
  constexpr std::size_t kDigits = 32;
  if (sentinel_id.size() != kDigits + kRepeatedDigits ||
      sentinel_id.substr(kDigits) != sentinel_id.substr(0, kRepeatedDigits)) {
    return "";
  }
  std::string uuid(sentinel_id.substr(0, kDigits));
  for (const std::size_t dash : kUuidDashes) uuid.insert(dash, 1, '-');
  return uuid;
}

}  // namespace redis_zk::registry
