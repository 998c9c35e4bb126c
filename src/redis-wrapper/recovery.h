// Whether this replica promotes itself, because Sentinel did not act: a function of what was looked up.
//
// Sentinel is the first to act; it has blind spots that it never leaves by itself (no replica that it knows
// is alive, every replica has priority 0, its next attempt is minutes away, it dies between the promotion and
// the word of it). Recovery is what happens then; one that acts as master already only has to be recorded.
//
// Where all Sentinels say that the master is dead and have given up, there is nothing to be patient for:
// recovery does what they would have done, by the same votes, and nearly as soon.
//
// Otherwise, why there cannot be two masters: the old one accepts writes only while ZooKeeper confirms it, or
// more than half of its electorate do (fence.h). This one asks for more than half of the same electorate, and
// none of those may count the old one as alive; two majorities have a member in common.
// docs/concepts/decisions.md has the argument with its assumptions, and recovery_model_test.cpp plays all
// small histories of it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "net/endpoint.h"
#include "redis/server_info.h"
#include "sentinel/reports.h"
#include "store/record.h"

namespace redis_zk::redis_wrapper {

struct RecoveryView {
  // Another registered redis-wrapper of the group, and what its server says; nothing: it does not answer.
  struct Peer {
    store::Member member;
    std::optional<redis::ServerInfo> info;
  };
  // A registered Sentinel; nothing: it does not answer.
  struct Witness {
    Endpoint sentinel;
    std::optional<sentinel::SentinelReport> report;
    std::vector<sentinel::ReplicaReport> replicas{};  // that it knows
    std::optional<sentinel::Vote> vote{};             // its last one
  };

  Endpoint self;
  redis::ServerInfo own;
  bool holds_copy = false;  // a complete one, see promotable.h
  store::Record record;
  // What answers at the recorded address, if it is a server of this group.
  std::optional<redis::ServerInfo> recorded;
  // The addresses that are recorded or that a Sentinel names, and where another's server answers: who reaches
  // the recorded one reaches that server.
  std::set<Endpoint> strangers;
  std::vector<Peer> members;
  std::vector<Witness> sentinels;
  store::History history;
  // The newest configuration that anybody has spoken of.
  std::uint64_t highest_epoch = 0;
  // Since when ZooKeeper and more than half say that the recorded master is dead, and no Sentinel has got
  // further with a failover: see Quiet.
  TimePoint quiet_since{};
  // Since when AreSentinelsIdle: see Quiet.
  std::optional<TimePoint> idle_since;
  // How long that has to last: RECOVERY_PATIENCE, and no less than PatienceFor.
  Duration patience{};
  // The record names this node by a recovery of this very wrapper, in place of this master, and its server
  // has not been seen to obey.
  std::optional<Endpoint> owed_from;
  bool locked = false;  // all of it was looked at while the group's lock was held
};

struct RecoveryDecision {
  enum class Action {
    kNone,      // there is nothing to recover
    kWait,      // for what `reason` says; look again
    kRefuse,    // only a person can say which data are the right ones
    kTakeLock,  // and look again
    kPromote,
    kFinish,  // the record names this node by a recovery of its own, and its server is a replica still
  };
  Action action = Action::kNone;
  std::uint64_t epoch = 0;  // kPromote: of the configuration that comes of it
  std::string reason;       // one sentence
};

// Whether the master of this replica lives, as far as their link tells: one that stands still or was cut off
// without a word keeps it up for a minute (repl-timeout), and is silent meanwhile.
bool HearsMaster(const redis::ServerInfo& replica);

// Whether every registered Sentinel answers, holds the recorded master for dead, and does nothing: it runs no
// failover, or has lost the election for that and only waits for the end of its time. They have to be more
// than half of all Sentinels that any of them knows.
bool AreSentinelsIdle(const RecoveryView& view);

RecoveryDecision DecideRecovery(const RecoveryView& view, TimePoint now);

// The least that RECOVERY_PATIENCE has to be: by then the fence of a master that no peer confirms is up.
Duration PatienceFor(Duration patience, Duration fence_patience);

// Notices when anything begins anew that recovery has to leave time for.
class Quiet {
 public:
  // Call with every look; since when it has been quiet.
  TimePoint Note(const RecoveryView& view, TimePoint now);
  // A look failed: what Sentinels did meanwhile is not known.
  void NoteMissed() { idle_since_.reset(); }
  // There is a master, or ZooKeeper does not say.
  void Reset() { since_ = idle_since_ = std::nullopt; }

  // Since when AreSentinelsIdle, with the last look; nothing: they are not.
  std::optional<TimePoint> idle_since() const { return idle_since_; }

 private:
  struct Failover {
    std::uint64_t config_epoch = 0;
    bool runs = false;
  };

  std::optional<TimePoint> since_;
  std::optional<TimePoint> idle_since_;
  Endpoint master_;                         // the recorded one
  std::map<Endpoint, Failover> failovers_;  // by Sentinel, as last told
};

}  // namespace redis_zk::redis_wrapper
