// What the settings of a running Sentinel have to be, as functions of values.
//
// Handovers and nudges change some of them for a moment. A process that is killed in that moment leaves them
// changed, and Sentinel writes them into its file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "redis/sentinel_client.h"
#include "sentinel-wrapper/server_conf.h"

namespace redis_zk::sentinel_wrapper {

// How long a setting may differ: longer than any handover or nudge changes it for.
inline constexpr Duration kLongestChange = 30s;

// How often a Sentinel that monitors so many masters and replicas asks them for INFO: as `wanted`, but for no
// more than about 200 questions a second.
Duration InfoPeriodFor(Duration wanted, std::uint64_t servers);

struct Difference {
  std::string setting;  // as SENTINEL SET names it
  std::string found;
  std::string expected;

  bool operator==(const Difference&) const = default;
};

// Where `own` differs from the group's settings, of which the last of a kind counts, and from Sentinel's own
// defaults for what they leave open.
std::vector<Difference> Differences(const redis::SentinelReport& own,
                                    const std::vector<GroupSetting>& settings, std::int64_t quorum);

}  // namespace redis_zk::sentinel_wrapper
