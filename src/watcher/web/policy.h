// Which requests the HTTP port answers: values, and functions of them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace redis_zk::watcher::web {

struct HttpPolicy {
  std::vector<std::string> allowed_hosts{};  // as CanonicalHost writes them; empty: any
  bool admin_insecure = false;               // admin requests may come from other machines, in the clear
};

// Host names and addresses, separated by commas. An error says what was expected.
Result<std::vector<std::string>> ParseHosts(std::string_view text);

// Whether `host`, of the header of that name, with or without a port, is one of them. Loopback always is, and
// so is none: a page of a stranger whose name was rebound to our address cannot leave out its own.
bool IsAllowedHost(std::string_view host, const std::vector<std::string>& allowed);

}  // namespace redis_zk::watcher::web
