// What the settings of a running Sentinel have to be, as functions of values.
//
// The end of a failover that does not get on changes one for a moment. A process that is killed in that
// moment leaves it changed, and Sentinel writes it into its file; failover/temporary_settings.h says how long
// it may differ.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "sentinel/reports.h"

namespace redis_zk::sentinel_wrapper {

// How often a Sentinel that monitors so many masters and replicas asks them for INFO: as `wanted`, but for no
// more than about 200 questions a second.
Duration InfoPeriodFor(Duration wanted, std::uint64_t servers);

struct Difference {
  std::string setting;  // as SENTINEL SET names it
  std::string found;
  std::string expected;

  bool operator==(const Difference&) const = default;
};

// Whether the first report after a start can be what a group's settings have to be. False: a handover may
// have changed them already.
bool MayBeExpected(const sentinel::SentinelReport& first);

// Where the settings of `own` differ from those of `expected`.
std::vector<Difference> Differences(const sentinel::SentinelReport& own,
                                    const sentinel::SentinelReport& expected);

}  // namespace redis_zk::sentinel_wrapper
