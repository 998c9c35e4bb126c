// Who may use the admin API: a function of values.
#pragma once

#include <string_view>

namespace redis_zk::watcher {

enum class Access { kOff, kDenied, kGranted };
// `header` is that of an HTTP request, "Bearer TOKEN"; an empty token: admin is off. Takes as long for a
// token that is nearly right as for any other of its length.
Access Authorize(std::string_view token, std::string_view header);

}  // namespace redis_zk::watcher
