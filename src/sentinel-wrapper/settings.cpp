#include "sentinel-wrapper/settings.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace redis_zk::sentinel_wrapper {

namespace {

constexpr Duration kPeriodForEachServer = 5ms;
constexpr Duration kLongestForFleet = 10s;
// A period that follows every single replica would change too often.
constexpr Duration kStep = 100ms;
// sentinel.c
constexpr std::int64_t kDefaultDownAfter = 30'000;
constexpr std::int64_t kDefaultFailoverTimeout = 180'000;
constexpr std::int64_t kDefaultParallelSyncs = 1;

// Nothing: it is no number, so Sentinel did not start with it.
std::optional<std::int64_t> NumberIn(const std::vector<GroupSetting>& settings, const std::string& directive,
                                     std::int64_t otherwise) {
  const auto last = std::find_if(settings.rbegin(), settings.rend(),
                                 [&](const auto& setting) { return setting.directive == directive; });
  if (last == settings.rend()) return otherwise;
  if (last->values.size() != 1) return std::nullopt;
  const std::string& text = last->values.front();
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

Duration InfoPeriodFor(Duration wanted, std::uint64_t servers) {
  const auto most = static_cast<std::uint64_t>(kLongestForFleet / kPeriodForEachServer);
  const Duration exact = kPeriodForEachServer * static_cast<std::int64_t>(std::min(servers, most));
  return std::max(wanted, (exact + kStep - 1ms) / kStep * kStep);
}

std::vector<Difference> Differences(const redis::SentinelReport& own,
                                    const std::vector<GroupSetting>& settings, std::int64_t quorum) {
  std::vector<Difference> differences;
  const auto compare = [&](const char* setting, std::int64_t found, std::optional<std::int64_t> expected) {
    if (expected && found != *expected)
      differences.push_back({setting, std::to_string(found), std::to_string(*expected)});
  };
  const auto expected = [&](const char* directive, std::int64_t otherwise) {
    return NumberIn(settings, directive, otherwise);
  };
  compare("down-after-milliseconds", own.down_after.count(),
          expected("down-after-milliseconds", kDefaultDownAfter));
  compare("failover-timeout", own.failover_timeout.count(),
          expected("failover-timeout", kDefaultFailoverTimeout));
  compare("parallel-syncs", static_cast<std::int64_t>(own.parallel_syncs),
          expected("parallel-syncs", kDefaultParallelSyncs));
  compare("quorum", static_cast<std::int64_t>(own.quorum), quorum);
  return differences;
}

}  // namespace redis_zk::sentinel_wrapper
