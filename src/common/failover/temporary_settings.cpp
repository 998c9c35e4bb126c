#include "failover/temporary_settings.h"

namespace redis_zk::failover {

namespace {

constexpr Duration kLongestChange = 30s;
// Without a failover nothing needs the failover-timeout that ends one.
constexpr Duration kLongestLeftBehind = 5s;

}  // namespace

std::string_view NameOf(TemporarySetting setting) {
  switch (setting) {
    case TemporarySetting::kReplicaPriority:
      return "replica-priority";
    case TemporarySetting::kFailoverTimeout:
      return "failover-timeout";
  }
  return "";
}

bool IsTemporaryPriority(std::int64_t priority, std::int64_t users) {
  return priority != users && (priority == kPreferredPriority || priority == kOtherPriority);
}

Duration LongestSentinelChange(const std::string& setting, const std::string& found,
                               bool failover_in_progress) {
  const bool left_behind = setting == NameOf(TemporarySetting::kFailoverTimeout) &&
                           found == std::to_string(kFailoverTimeoutAtOnce.count()) && !failover_in_progress;
  return left_behind ? kLongestLeftBehind : kLongestChange;
}

}  // namespace redis_zk::failover
