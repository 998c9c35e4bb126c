// Looks after one of our Sentinel's groups while the master is down or the record names another one.
//
// Loop thread only. It keeps the clocks; rescue.h decides.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/time.h"
#include "daemon/wrapper_loop.h"
#include "redis/servers.h"
#include "sentinel-wrapper/groups.h"
#include "sentinel-wrapper/options.h"
#include "sentinel-wrapper/rescue.h"
#include "sentinel/client.h"
#include "store/record.h"

namespace redis_zk::sentinel_wrapper {

class Rescuer {
 public:
  // The references must outlive the rescuer. `as_hello` asks as a user whose hellos our Sentinel hears.
  Rescuer(daemon::WrapperLoop& loop, const WrapperOptions& options, const redis::Network& network,
          redis::Servers& as_hello, std::string group);

  // Helps our Sentinel, which says `own` of the group; `known` is the record as last read. Something: restart
  // it.
  std::optional<RestartRequest> Look(const sentinel::SentinelReport& own, const store::Record& known);

  // The master has gone down not long ago: look again soon.
  bool busy() const;

  // Nothing is known of what our Sentinel does, or it has nothing to do.
  void Reset() { stuck_since_.reset(); }

 private:
  std::optional<RestartRequest> FollowRecord(const sentinel::SentinelReport& own,
                                             const store::Record& record);
  // Has our Sentinel follow the record: tells it, or, where that is not possible, says to restart it.
  std::optional<RestartRequest> Adopt(const sentinel::SentinelReport& own, const store::Record& record,
                                      const std::vector<sentinel::PeerReport>& peers,
                                      const std::string& reason);
  // Tells our Sentinel the recorded master, as a peer of its own would. kRefused: that is not possible, or
  // was in vain.
  Status AnnounceMaster(const sentinel::SentinelReport& own, const store::Record& record,
                        const std::vector<sentinel::PeerReport>& peers, const std::string& reason);
  // Whether each of these replicas that is not down has a redis-wrapper.
  bool AreOurs(const std::vector<sentinel::ReplicaReport>& replicas);
  // Of those that answer.
  std::vector<sentinel::SentinelReport> AskRegistered();
  // In whose name our Sentinel, which knows these, can be told: one that it does not know, as after a RESET,
  // it gets to know by that.
  std::optional<sentinel::Peer> FindPeer(const std::vector<sentinel::PeerReport>& known);
  // The epoch with which Sentinels that still hold on to `master` do not talk ours back to it.
  std::uint64_t EpochBeyond(const sentinel::SentinelReport& own, std::uint64_t record_epoch);

  daemon::WrapperLoop& loop_;
  const WrapperOptions& options_;
  const redis::Network network_;
  const sentinel::Client sentinel_;  // ours
  const sentinel::Client as_peer_;   // ours, told as by a peer of its own
  const std::string group_;
  std::optional<TimePoint> down_since_;  // the master
  std::optional<TimePoint> stuck_since_;
  std::uint64_t announced_epoch_ = 0;  // of the record
  LogOnChange log_reason_;
};

}  // namespace redis_zk::sentinel_wrapper
