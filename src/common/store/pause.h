// Pauses of what the daemons change by themselves, as values: the znode <root>/pauses, JSON.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace redis_zk::store {

// Stands for all groups, also those that come later. No group has this name.
inline constexpr const char* kAllGroups = "*";
// Nobody remembers a pause for longer; and whoever wrote an end beyond that, it is none.
inline constexpr Duration kLongestPause = std::chrono::hours(7 * 24);
// By more the clocks of the machines are not apart: a pause that begins later is none, and one that has ended
// for longer is over everywhere.
inline constexpr Duration kClocksDiffer = std::chrono::hours(24);

struct Pause {
  std::int64_t since = 0;  // milliseconds since 1970
  std::int64_t until = 0;  // the same; then it ends by itself
  std::string by;          // the watcher that was asked
  std::string who{};       // the name of the admin token; empty: it has none
  std::string from{};      // the address of the request
  std::string reason{};    // empty: none was given

  bool operator==(const Pause&) const = default;
};
using Pauses = std::map<std::string, Pause>;  // by group, or kAllGroups

std::string Render(const Pauses& pauses);
// Entries that are none are left out; an error: it is no JSON object. Texts are printable.
Result<Pauses> ParsePauses(std::string_view text);

// `unix_now`: milliseconds since 1970, by the clock of this machine, which is compared with that of the
// watcher that was asked.
bool IsUnderWay(const Pause& pause, std::int64_t unix_now);
// The pause that holds for the group: its own or that of all. Nothing: none does.
const Pause* FindPause(const Pauses& pauses, const std::string& group, std::int64_t unix_now);

// "alice (10.0.0.9:41234)"; without a name the address alone.
std::string Requester(std::string_view who, std::string_view from);
// "paused until 2026-01-31 12:00:00 UTC by 10.0.0.9: the network is mended".
std::string Describe(const Pause& pause);

}  // namespace redis_zk::store
