#include "sentinel-wrapper/settings_keeper.h"

#include <fmt/core.h>

#include <utility>

#include "failover/temporary_settings.h"

namespace redis_zk::sentinel_wrapper {

namespace {

constexpr Duration kLookAtSettingsEvery = 5s;

}  // namespace

void SettingsKeeper::Reset() {
  look_at_ = {};
  knows_info_period_ = true;
  differs_since_.clear();
  expected_.clear();
}

void SettingsKeeper::Look(const Reports& monitored, const std::set<std::string>& unsettled,
                          const std::set<std::string>& paused) {
  KeepGroups(monitored, unsettled, paused);
  std::uint64_t servers = 0;
  for (const auto& [group, report] : monitored) servers += 1 + report.known_replicas;
  const Duration period = InfoPeriodFor(options_.info_period, servers);
  if (Clock::now() < look_at_ && (!knows_info_period_ || period == info_period_)) return;
  look_at_ = Clock::now() + kLookAtSettingsEvery;
  if (knows_info_period_) KeepInfoPeriod(period);
}

void SettingsKeeper::KeepInfoPeriod(Duration period) {
  const auto found = sentinel_.AskInfoPeriod();
  if (!found && found.error().kind == ErrorKind::kRefused) {
    knows_info_period_ = false;
    log_problem_(
        log::Severity::kWarn, {.event = "info-period-unsupported"},
        "cannot set the INFO period before Redis 7.0, redis-sentinel learns of a new replica after up to "
        "10 s: " +
            found.error().message);
    return;
  }
  const auto set = found && *found == period ? Status{} : sentinel_.SetInfoPeriod(period);
  if (!set) {
    log_problem_(log::Severity::kWarn, {.event = "info-period-failed"},
                 "cannot set the INFO period, retrying: " + set.error().message);
    return;
  }
  log_problem_.Reset();
  if (info_period_ != period)
    log::Info({.event = "info-period-set"}, "INFO period set to {} ms", period.count());
  info_period_ = period;
}

void SettingsKeeper::KeepGroups(const Reports& monitored, const std::set<std::string>& unsettled,
                                const std::set<std::string>& paused) {
  std::erase_if(expected_, [&monitored](const auto& entry) { return !monitored.contains(entry.first); });
  std::map<std::pair<std::string, std::string>, TimePoint> differs_since;
  for (const auto& [group, report] : monitored) {
    if (!expected_.contains(group)) {
      if (!unsettled.contains(group) && MayBeExpected(report)) expected_.emplace(group, report);
      continue;
    }
    if (paused.contains(group)) continue;
    // It acts on no setting then, and a failover order that it took waits for the end of that.
    if (report.tilt) continue;
    for (const auto& difference : Differences(report, expected_.at(group))) {
      const std::pair key{group, difference.setting};
      const auto before = differs_since_.find(key);
      const TimePoint since = before == differs_since_.end() ? Clock::now() : before->second;
      differs_since.emplace(key, since);
      const Duration longest =
          failover::LongestSentinelChange(difference.setting, difference.found, report.failover_in_progress);
      if (Clock::now() - since >= longest) Repair(group, difference);
    }
  }
  differs_since_ = std::move(differs_since);
}

void SettingsKeeper::Repair(const std::string& group, const Difference& difference) {
  const auto& [setting, found, expected] = difference;
  const auto set = sentinel_.SetOption(group, setting, expected);
  if (set) {
    log::Warn({.event = "setting-repaired", .group = group},
              "set {} of redis-sentinel back to {}: it stayed at {} for longer than a handover takes",
              setting, expected, found);
  } else {
    log_repair_(log::Severity::kWarn, {.event = "setting-repair-failed", .group = group},
                fmt::format("cannot set {} of redis-sentinel back from {} to {}, retrying: {}", setting,
                            found, expected, set.error().message));
  }
}

}  // namespace redis_zk::sentinel_wrapper
