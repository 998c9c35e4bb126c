// What our Sentinel is told about its groups while it runs.
//
// Loop thread only.
#pragma once

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
  // Both must outlive this.
  GroupOrders(const WrapperOptions& options, redis::Servers& sentinels)
      : options_(options), sentinels_(sentinels), users_conf_(options) {}

  // Our Sentinel has just been started.
  void Reset() { unsettled_.clear(); }

  // Begins with a group, and gives it its settings. kRefused: our Sentinel does not take it.
  Status Monitor(const std::string& group, const store::Record& record);
  // Gives a group its settings, if the answer was lost when it was given them last.
  Status Settle(const std::string& group);
  // Groups whose settings our Sentinel may not have.
  const std::set<std::string>& unsettled() const { return unsettled_; }

  sentinel::Client sentinel() const { return {sentinels_, options_.server.bind}; }

 private:
  // The orders, and the group's settings after them.
  Status Tell(const std::string& group, std::vector<redis::Command> orders);

  const WrapperOptions& options_;
  redis::Servers& sentinels_;
  UsersConf users_conf_;
  std::set<std::string> unsettled_;
};

}  // namespace redis_zk::sentinel_wrapper
