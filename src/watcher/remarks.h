// What is remarkable about a wrapper, in words: what it tells of itself and what a person should look at,
// although no daemon waits for that. Values; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "store/report.h"

namespace redis_zk::watcher {

// How long what has happened stays remarkable. Clocks of machines differ: what seems to happen later than now
// has just happened.
inline constexpr Duration kRemarkableFor = 10min;

// Both times are milliseconds since 1970.
bool IsRecent(std::int64_t unix_time, std::int64_t unix_now);

// The version that most wrappers have; empty: there is no such one.
std::string UsualVersion(const std::vector<store::Report>& wrappers);

// "its server exited by itself 42 s ago with code 137, 3 times in all". One sentence for each thing.
std::vector<std::string> RemarksOn(const store::Report& wrapper, const std::string& usual_version,
                                   std::int64_t unix_now);

}  // namespace redis_zk::watcher
