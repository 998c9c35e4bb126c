// What this watcher itself waits for: ZooKeeper, a Sentinel, what stands in ZooKeeper, and of each group a
// master, Sentinels that confirm the record, and that they forget what is another group's.
//
// Loop thread only.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "daemon/waiting.h"
#include "watcher/registry_view.h"
#include "watcher/status.h"
#include "watcher/topology.h"

namespace redis_zk::watcher {

class OwnWaits {
 public:
  // What the watcher knows; the references need not outlive a look.
  struct Facts {
    const RegistryView& view;
    const FleetStatus& observed;
    // Why the record of a group is kept although Sentinels do not confirm it.
    const std::map<std::string, std::string>& unconfirmed;
    // Why the entries of a group that are another server's are not removed.
    const std::map<std::string, std::string>& blocked;
    bool connected = false;  // to ZooKeeper
    bool refused = false;    // by ZooKeeper, which takes no credentials
    std::string outage{};    // what its servers say
    bool stale = false;      // what was read there is not what stands there
    bool following = false;  // a Sentinel
  };

  // Says in the log what is waited for, and what no longer is. True: those that are long are others now.
  bool Look(const Facts& facts, TimePoint now);
  // By group; those that concern all groups under an empty name.
  const std::map<std::string, std::vector<LongWait>>& all_long() const { return long_; }

 private:
  using Key = std::pair<std::string, std::string>;  // group and name

  std::map<std::string, std::vector<LongWait>> FindLong(TimePoint now) const;

  std::map<Key, daemon::Waiting> waiting_;
  std::map<std::string, std::vector<LongWait>> long_;
};

}  // namespace redis_zk::watcher
