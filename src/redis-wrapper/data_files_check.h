// What keeps a server from loading its data files, as far as it can be told without loading them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "redis-wrapper/loading.h"

namespace redis_zk::redis_wrapper {

// The first of the directory and the files in it that this process may not read, or cannot, with the system's
// reason and what to do. A file that is not there is none.
std::optional<std::string> FindUnreadable(const DataFiles& files);

// When they changed last, in milliseconds since 1970; also when one was moved there.
std::int64_t LastChange(const DataFiles& files, LoadPlan::Loads loads);

// What is wrong with them, in words; empty: nothing that can be seen. `server_version`: of the server that is
// to load them, as it calls itself; empty: unknown.
std::string FindDamage(const DataFiles& files, LoadPlan::Loads loads, const std::string& server_version);

// The newest RDB format that a server of this version loads; nothing: it is not known here.
std::optional<int> NewestRdbFormat(const std::string& server_version);

// What `redis-server --version` calls itself: "7.0.15", "valkey 8.1.1"; empty: unknown. Takes two seconds at
// most.
std::string AskServerVersion(const std::string& binary);

}  // namespace redis_zk::redis_wrapper
