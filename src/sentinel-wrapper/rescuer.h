// Looks after one of our Sentinel's groups while the master is down: nudges, and says when to follow the
// record.
//
// Loop thread only. It keeps the clocks; rescue.h decides.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/time.h"
#include "daemon/wrapper_loop.h"
#include "redis/servers.h"
#include "sentinel-wrapper/nudger.h"
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

  struct Rescue {
    store::Record record;  // to start our Sentinel with
    std::string reason;
    // One Sentinel at a time: the others' votes may be needed for what it does then.
    bool in_turn = false;
  };
  // Helps our Sentinel, which says `own` of the group; `known` is the record as last read. Something: restart
  // it. `uuid` is ours; `restarted`: it has its turn, and was restarted in it.
  std::optional<Rescue> Look(const std::string& uuid, const sentinel::SentinelReport& own,
                             const store::Record& known, bool restarted);

  // The master has gone down not long ago: look again soon.
  bool busy() const;

  // Nothing is known of what our Sentinel does, or it has nothing to do.
  void Reset();

 private:
  std::optional<Rescue> FollowRecord(const sentinel::SentinelReport& own, const store::Record& record);
  // Tells our Sentinel the recorded master, as a peer of its own would. kRefused: that is not possible, or
  // was in vain.
  Status AnnounceMaster(const store::Record& record, const std::vector<sentinel::PeerReport>& peers,
                        const std::string& reason);
  // The epoch with which Sentinels that still hold on to `master` do not talk ours back to it.
  std::uint64_t EpochBeyond(const sentinel::SentinelReport& own, std::uint64_t record_epoch);
  std::optional<Rescue> LookForBlindness(const sentinel::SentinelReport& own, const store::Record& record);
  void LookForNudge(const std::string& uuid, const sentinel::SentinelReport& own, const store::Record& record,
                    bool restarted);
  // What every registered Sentinel says now; nothing when ZooKeeper does not say who is registered.
  std::optional<std::vector<NudgeView::Seen>> AskFleet();
  void Nudge(const sentinel::SentinelReport& own, const std::string& reason);

  daemon::WrapperLoop& loop_;
  const WrapperOptions& options_;
  const redis::Network network_;
  const sentinel::Client sentinel_;  // ours
  const sentinel::Client as_peer_;   // ours, told as by a peer of its own
  const std::string group_;
  Nudger nudger_;
  std::optional<TimePoint> down_since_;    // the master
  std::optional<TimePoint> quiet_since_;   // the master is down, and our Sentinel does nothing
  std::optional<TimePoint> agreed_since_;  // a quorum holds the master for dead
  std::optional<TimePoint> stuck_since_;
  std::map<std::string, TimePoint> electing_since_;  // by uuid: fails over, and has not chosen a replica
  std::uint64_t announced_epoch_ = 0;                // of the record
  std::optional<TimePoint> last_nudge_;
  std::size_t nudges_ = 0;
  LogOnChange log_reason_;
};

}  // namespace redis_zk::sentinel_wrapper
