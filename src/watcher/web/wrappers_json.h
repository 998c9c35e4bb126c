// What /status tells of the wrappers. Values; any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/json.h"
#include "watcher/topology.h"

namespace redis_zk::watcher::web {

// An array, ordered by group and address; with `only_group`, those of that group.
Json WrappersToJson(const Topology& topology, std::string_view only_group, std::int64_t unix_now);

}  // namespace redis_zk::watcher::web
