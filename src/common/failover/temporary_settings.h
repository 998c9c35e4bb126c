// The settings of other servers that this project changes for a moment: to what, and for how long. The rules
// by which one that a killed process left behind is told from one that is to be as it is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"

namespace redis_zk::failover {

enum class TemporarySetting {
  kReplicaPriority,  // of a Redis: Sentinel promotes the replica with the lowest
  kFailoverTimeout,  // of a group at one Sentinel: what it gives up after
};

// As CONFIG SET or SENTINEL SET names it.
std::string_view NameOf(TemporarySetting setting);

// The replica that is to be promoted, and those that would come first otherwise.
inline constexpr std::int64_t kPreferredPriority = 1;
inline constexpr std::int64_t kOtherPriority = 2;
// Whether it is one of these, and not what the user set.
bool IsTemporaryPriority(std::int64_t priority, std::int64_t users);
// No handover takes longer.
inline constexpr Duration kLongestPriorityChange = 60s;

// Ends a failover that does not get on. No user's setting is as short.
inline constexpr Duration kFailoverTimeoutAtOnce = 1ms;
inline constexpr Duration kShortestFailoverTimeout = 1s;

// How long a setting of a Sentinel may differ from what it is to be. `found` is its value now.
Duration LongestSentinelChange(const std::string& setting, const std::string& found,
                               bool failover_in_progress);

}  // namespace redis_zk::failover
