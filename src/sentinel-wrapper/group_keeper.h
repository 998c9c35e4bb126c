// Keeps our Sentinel on the groups of ZooKeeper: monitors those that appear, drops those that are gone, and
// looks after each while its master is down.
//
// Loop thread only. groups.h and rescue.h decide.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/backoff.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "daemon/wrapper_loop.h"
#include "redis/servers.h"
#include "sentinel-wrapper/groups.h"
#include "sentinel-wrapper/monitoring.h"
#include "sentinel-wrapper/options.h"
#include "sentinel-wrapper/rescuer.h"
#include "sentinel-wrapper/settings_keeper.h"
#include "sentinel/reports.h"
#include "store/record.h"
#include "zookeeper/lock.h"

namespace redis_zk::sentinel_wrapper {

class GroupKeeper {
 public:
  // The references must outlive the keeper.
  GroupKeeper(daemon::WrapperLoop& loop, const WrapperOptions& options, const redis::Network& network);

  // What our Sentinel has to know when it starts: about `group`, whose record this is, about every group that
  // it has monitored until now, and about every other one of which somebody lives. `identity` is ours.
  Result<Monitoring> Survey(const store::Identity& identity, const std::string& group,
                            const store::Record& record);

  // Our Sentinel has been started with this; with no group: there is none.
  void Reset(const Monitoring& monitoring);

  // Something may have changed in ZooKeeper.
  void NoteNews() { read_at_ = {}; }

  struct Restart {
    std::string group;
    store::Record record;  // of the group, to start our Sentinel with
    std::string reason;
    bool in_turn = false;  // in the turn that we have now
  };
  // Asks our Sentinel how its masters are, and does what is to be done. Something: restart it. `uuid` is
  // ours.
  std::optional<Restart> Look(const std::string& uuid);

  // Ours is over, or our Sentinel is not restarted in it: lets the next one have it.
  void GiveTurnBack();

  // The groups that it monitors because of us.
  const std::set<std::string>& followed() const { return followed_; }

  // Whether our Sentinel answered when it was asked last.
  const Status& answered() const { return answered_; }

  // A master has gone down not long ago: look again soon.
  bool busy() const;

 private:
  // A group that our Sentinel does not monitor yet.
  struct Newcomer {
    Newcomer();
    Backoff backoff;
    TimePoint try_at{};
    std::optional<TimePoint> orphan_since;  // its master is dead, and a replica lives
    LogOnChange log;
  };

  // For as long as ours is restarted so that it can fail over, and acts, no other Sentinel is.
  struct Turn {
    std::string group;
    Endpoint master;  // the dead one
    TimePoint ends_at;
  };

  Status ReadGroups();
  // Nothing: our Sentinel does not answer.
  std::optional<std::map<std::string, sentinel::SentinelReport>> AskOwn();
  std::optional<Restart> Rescue(const std::string& uuid);
  std::optional<Restart> Begin(const std::vector<std::string>& groups);
  Status Monitor(const std::string& group, const store::Record& record);
  // Gives our Sentinel orders about the group, and its settings after them.
  Status Tell(const std::string& group, std::vector<redis::Command> orders);
  void Drop(std::vector<std::string> groups);
  // Of the groups that have a record and are not monitored: those of which somebody lives.
  std::vector<std::string> ListLiving();
  // Of groups that have a record.
  Result<std::map<std::string, std::vector<store::Member>>> ListMembers(
      const std::vector<std::string>& groups);
  std::map<std::string, GroupAlive> WhoLives(
      const std::map<std::string, std::vector<store::Member>>& members) const;
  bool MayRestart(const std::string& group) const;
  bool HasTurn(const std::string& group) const { return turn_ && turn_->group == group; }
  bool TakeTurn(const sentinel::SentinelReport& own, const std::string& group);
  // Lets the next one have it, when ours is over or not needed.
  void EndTurn(bool needed);

  daemon::WrapperLoop& loop_;
  const WrapperOptions& options_;
  const redis::Network network_;
  Status answered_;
  TimePoint read_at_{};
  std::map<std::string, store::Record> listed_;                // in ZooKeeper, as last read
  std::map<std::string, sentinel::SentinelReport> monitored_;  // what our Sentinel said last
  std::set<std::string> followed_;
  std::set<std::string> unsettled_;  // its answer to their settings was lost
  std::map<std::string, Rescuer> rescuers_;
  std::map<std::string, Newcomer> newcomers_;
  std::string last_rescued_;
  SettingsKeeper settings_;
  zookeeper::Lock turn_lock_;
  std::optional<Turn> turn_;
  LogOnChange log_names_;
  LogOnChange log_drop_;
};

}  // namespace redis_zk::sentinel_wrapper
