#include "watcher/web/policy.h"

#include <algorithm>

#include "net/endpoint.h"

namespace redis_zk::watcher::web {

namespace {

// "[::1]:8080" and "name:8080" without the rest. A final dot is the same name.
std::string_view NameIn(std::string_view host) {
  if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
  host = host.substr(0, host.find(':'));
  if (host.ends_with('.')) host.remove_suffix(1);
  return host;
}

}  // namespace

Result<std::vector<std::string>> ParseHosts(std::string_view text) {
  std::vector<std::string> hosts;
  while (!text.empty()) {
    const auto comma = text.find(',');
    const auto host = text.substr(0, comma);
    if (!IsIpAddress(host) && !IsHostName(host))
      return Fail(ErrorKind::kInvalid, "host names or addresses without a port, separated by commas");
    hosts.push_back(CanonicalHost(host));
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return hosts;
}

bool IsAllowedHost(std::string_view host, const std::vector<std::string>& allowed) {
  if (allowed.empty() || host.empty()) return true;
  const auto name = CanonicalHost(NameIn(host));
  // An address cannot be rebound: it is what a scheduler's health check asks for.
  return IsIpAddress(name) || IsLoopback(name) ||
         std::find(allowed.begin(), allowed.end(), name) != allowed.end();
}

}  // namespace redis_zk::watcher::web
