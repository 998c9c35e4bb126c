// Keeps our Sentinel on the groups of ZooKeeper: monitors those that appear, drops those that are gone, and
// looks after each while its master is down.
//
// Loop thread only. groups.h and rescue.h decide; group_reader.h reads, newcomers.h begins.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "daemon/wrapper_loop.h"
#include "redis/servers.h"
#include "sentinel-wrapper/group_orders.h"
#include "sentinel-wrapper/group_reader.h"
#include "sentinel-wrapper/groups.h"
#include "sentinel-wrapper/monitoring.h"
#include "sentinel-wrapper/newcomers.h"
#include "sentinel-wrapper/options.h"
#include "sentinel-wrapper/password_keeper.h"
#include "sentinel-wrapper/rescuer.h"
#include "sentinel-wrapper/settings_keeper.h"
#include "store/record.h"

namespace redis_zk::sentinel_wrapper {

class GroupKeeper {
 public:
  // The references must outlive the keeper. `as_hello` asks as a user whose hellos our Sentinel hears.
  GroupKeeper(daemon::WrapperLoop& loop, const WrapperOptions& options, const redis::Network& network,
              redis::Servers& as_hello);

  // What our Sentinel has to know when it starts: about `group`, whose record this is, about every group that
  // it has monitored until now, and about every other one of which a server lives. `identity` is ours.
  Result<Monitoring> Survey(const store::Identity& identity, const std::string& group,
                            const store::Record& record);

  // Our Sentinel has been started with this; with no group: there is none. `takes_users`: as PasswordKeeper.
  void Reset(const Monitoring& monitoring, bool takes_users = true);

  // Something may have changed in ZooKeeper.
  void NoteNews() { reader_.NoteNews(); }

  // Asks our Sentinel how its masters are, and does what is to be done. Something: restart it.
  std::optional<RestartRequest> Look();

  // The groups that it monitors because of us.
  const std::set<std::string>& followed() const { return followed_; }

  // Whether our Sentinel answered when it was asked last.
  const Status& answered() const { return answered_; }

  // Whether our Sentinel was well when it was asked last: it names the recorded masters, in their epochs, and
  // sees none of them down and no failover.
  bool IsQuiet() const;

  // A master has gone down not long ago: look again soon.
  bool busy() const;

 private:
  // Nothing: our Sentinel does not answer.
  std::optional<Reports> AskOwn();
  // Our Sentinel has said `reports`. False: it hangs.
  bool TakeReports(Reports reports);
  std::optional<RestartRequest> Rescue();
  void Drop(std::vector<std::string> groups);

  daemon::WrapperLoop& loop_;
  const WrapperOptions& options_;
  const redis::Network network_;
  redis::Servers& as_hello_;
  GroupReader reader_;
  GroupOrders orders_;
  Newcomers newcomers_;
  SettingsKeeper settings_;
  PasswordKeeper passwords_;
  Status answered_;
  Reports monitored_;  // what our Sentinel said last
  std::set<std::string> followed_;
  std::map<std::string, Rescuer> rescuers_;
  std::string last_rescued_;
  LogOnChange log_drop_;
};

}  // namespace redis_zk::sentinel_wrapper
