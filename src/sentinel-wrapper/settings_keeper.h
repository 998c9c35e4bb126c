// Keeps the settings of our Sentinel what they have to be: how often it asks for INFO, and what it was told
// of each group.
//
// Loop thread only. settings.h decides.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/time.h"
#include "redis/sentinel_client.h"
#include "sentinel-wrapper/options.h"
#include "sentinel-wrapper/server_conf.h"
#include "sentinel-wrapper/settings.h"

namespace redis_zk::sentinel_wrapper {

class SettingsKeeper {
 public:
  // `options` must outlive the keeper.
  explicit SettingsKeeper(const WrapperOptions& options) : options_(options) {}

  // Our Sentinel has just been started.
  void Reset();

  // Looks every few seconds, and at once after a start; `monitored` is what our Sentinel said last, by group.
  void Look(const std::map<std::string, redis::SentinelReport>& monitored);

 private:
  void KeepInfoPeriod(Duration period);
  void KeepGroups(const std::map<std::string, redis::SentinelReport>& monitored);
  void Repair(const std::string& group, const Difference& difference);

  const WrapperOptions& options_;
  TimePoint look_at_{};
  std::optional<Duration> info_period_;  // as it was set last
  bool knows_info_period_ = true;
  std::map<std::pair<std::string, std::string>, TimePoint> differs_since_;  // by group and setting
  std::string conf_;                                                        // the user's file, as last read
  std::map<std::string, std::vector<GroupSetting>> settings_;               // by group, as it says
  LogOnChange log_problem_;
  LogOnChange log_repair_;
};

}  // namespace redis_zk::sentinel_wrapper
