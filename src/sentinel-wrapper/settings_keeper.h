// Keeps the settings of our Sentinel what they have to be: how often it asks for INFO, and what it was told
// of each group.
//
// Loop thread only. settings.h decides.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/log.h"
#include "base/time.h"
#include "redis/servers.h"
#include "sentinel-wrapper/groups.h"
#include "sentinel-wrapper/options.h"
#include "sentinel-wrapper/settings.h"
#include "sentinel/client.h"

namespace redis_zk::sentinel_wrapper {

class SettingsKeeper {
 public:
  // `options` and `sentinels` must outlive the keeper.
  SettingsKeeper(const WrapperOptions& options, redis::Servers& sentinels)
      : options_(options), sentinel_(sentinels, options.server.bind) {}

  // Our Sentinel has just been started.
  void Reset();

  // `monitored` is what our Sentinel said last, by group; of those `unsettled` it does not know the settings
  // yet, and those that are `paused` are left as they are. What it says first of another one is what it was
  // given, from whichever file, and stays expected.
  void Look(const Reports& monitored, const std::set<std::string>& unsettled,
            const std::set<std::string>& paused);

 private:
  void KeepInfoPeriod(Duration period);
  void KeepGroups(const Reports& monitored, const std::set<std::string>& unsettled,
                  const std::set<std::string>& paused);
  void Repair(const std::string& group, const Difference& difference);

  const WrapperOptions& options_;
  const sentinel::Client sentinel_;
  TimePoint look_at_{};
  std::optional<Duration> info_period_;  // as it was set last
  bool knows_info_period_ = true;
  std::map<std::pair<std::string, std::string>, TimePoint> differs_since_;  // by group and setting
  Reports expected_;
  LogOnChange log_problem_;
  LogOnChange log_repair_;
};

}  // namespace redis_zk::sentinel_wrapper
