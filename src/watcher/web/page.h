// The page for people, page.html, as it stands in the binary.
#pragma once

#include <string_view>

namespace redis_zk::watcher::web {

extern const std::string_view kPage;

}  // namespace redis_zk::watcher::web
