// What our Sentinel is told about its groups while it runs.
//
// Loop thread only.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "redis/servers.h"
#include "sentinel-wrapper/options.h"
#include "sentinel-wrapper/sentinel_conf.h"
#include "sentinel/client.h"
#include "store/record.h"

namespace redis_zk::sentinel_wrapper {

class GroupOrders {
 public:
  // What both refer to must outlive this.
  GroupOrders(const WrapperOptions& options, const redis::Network& network)
      : options_(options), network_(network), users_conf_(options) {}

  // Our Sentinel has just been started.
  void Reset() { unsettled_.clear(); }

  // Whether it may give the group's password to this master. kRefused: as of Trust::Check.
  Status MayMonitor(const Endpoint& master) const {
    return options_.common.credentials.redis.MayTell(master);
  }
  // Begins with a group, and gives it its settings. kRefused: our Sentinel does not take it.
  Status Monitor(const std::string& group, const store::Record& record);
  // Gives a group its settings, if the answer was lost when it was given them last.
  Status Settle(const std::string& group);
  // Groups whose settings our Sentinel may not have.
  std::set<std::string> unsettled() const;

  sentinel::Client sentinel() const { return {network_.sentinels, options_.server.bind}; }

 private:
  // The orders, and the group's settings after them. `auth_pass`: as in Monitoring.
  Status Tell(const std::string& group, std::vector<redis::Command> orders,
              const std::optional<std::string>& auth_pass);

  const WrapperOptions& options_;
  const redis::Network network_;
  UsersConf users_conf_;
  std::map<std::string, std::optional<std::string>> unsettled_;  // and what Tell was given
};

}  // namespace redis_zk::sentinel_wrapper
