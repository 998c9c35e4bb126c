#include "watcher/access.h"

#include <algorithm>
#include <cctype>
#include <cstddef>

namespace redis_zk::watcher {

namespace {

constexpr std::string_view kScheme = "bearer ";

}  // namespace

Access Authorize(std::string_view token, std::string_view header) {
  if (token.empty()) return Access::kOff;
  const auto is_same = [](char wanted, char found) {
    return std::tolower(static_cast<unsigned char>(found)) == wanted;
  };
  if (header.size() < kScheme.size() || !std::equal(kScheme.begin(), kScheme.end(), header.begin(), is_same))
    return Access::kDenied;
  header.remove_prefix(kScheme.size());
  unsigned different = header.size() == token.size() ? 0 : 1;
  for (std::size_t i = 0; i < header.size(); ++i)
    different |= static_cast<unsigned char>(header[i] ^ token[i % token.size()]);
  return different == 0 ? Access::kGranted : Access::kDenied;
}

}  // namespace redis_zk::watcher
