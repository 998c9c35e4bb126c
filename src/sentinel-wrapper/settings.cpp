#include "sentinel-wrapper/settings.h"

#include <algorithm>
#include <string_view>

#include "failover/temporary_settings.h"

namespace redis_zk::sentinel_wrapper {

namespace {

using failover::TemporarySetting;

constexpr Duration kPeriodForEachServer = 5ms;
constexpr Duration kLongestForFleet = 10s;
// A period that follows every single replica would change too often.
constexpr Duration kStep = 100ms;

}  // namespace

Duration InfoPeriodFor(Duration wanted, std::uint64_t servers) {
  const auto most = static_cast<std::uint64_t>(kLongestForFleet / kPeriodForEachServer);
  const Duration exact = kPeriodForEachServer * static_cast<std::int64_t>(std::min(servers, most));
  return std::max(wanted, (exact + kStep - 1ms) / kStep * kStep);
}

bool MayBeExpected(const sentinel::SentinelReport& first) {
  return first.failover_timeout >= failover::kShortestFailoverTimeout;
}

std::vector<Difference> Differences(const sentinel::SentinelReport& own,
                                    const sentinel::SentinelReport& expected) {
  std::vector<Difference> differences;
  const auto compare = [&differences](std::string_view setting, auto found, auto wanted) {
    if (found != wanted)
      differences.push_back({std::string(setting), std::to_string(found), std::to_string(wanted)});
  };
  compare("down-after-milliseconds", own.down_after.count(), expected.down_after.count());
  compare(NameOf(TemporarySetting::kFailoverTimeout), own.failover_timeout.count(),
          expected.failover_timeout.count());
  compare("parallel-syncs", own.parallel_syncs, expected.parallel_syncs);
  compare("quorum", own.quorum, expected.quorum);
  return differences;
}

}  // namespace redis_zk::sentinel_wrapper
