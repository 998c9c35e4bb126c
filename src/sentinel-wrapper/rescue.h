// When to help a Sentinel that cannot help itself, as functions of values.
//
// Everywhere else Sentinel leads: a failover that runs is never disturbed, and one that Sentinel can start by
// itself is left to it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "redis/server_info.h"
#include "sentinel/reports.h"
#include "store/record.h"

namespace redis_zk::sentinel_wrapper {

struct Finding {
  bool holds = false;
  std::string reason;  // one sentence
};

// How long Sentinels that hold the master for dead may do nothing before one of them is asked to promote a
// replica. An attempt of their own comes within a tenth of a second.
inline constexpr Duration kQuietBeforeNudge = 2s;
// How long an election may take. A Sentinel that has not won one by then goes on failing over for ten
// seconds, in vain.
inline constexpr Duration kLongestElection = 2s;
// How long a Sentinel whose master is dead may know nobody to promote before it is told of those who could
// be. A failover that another one leads gets as far as its choice by then.
inline constexpr Duration kBlindBeforeRestart = 1s;
// How long a Sentinel may be stuck before it is restarted on the recorded master.
inline constexpr Duration kStuckBeforeRestart = 5s;

struct NudgeView {
  struct Seen {
    std::string uuid;
    std::optional<sentinel::SentinelReport> report;  // nothing: it does not answer
    // How long it has been failing over without having chosen a replica.
    Duration electing_for{};
  };
  std::string uuid;                               // ours
  std::vector<Seen> sentinels;                    // registered, ours among them
  store::Record record;                           // of the group
  std::vector<store::Member> members;             // registered
  std::vector<sentinel::ReplicaReport> replicas;  // that our Sentinel knows
  Duration quiet_for{};    // how long ours has held the master for dead and done nothing
  std::size_t nudges = 0;  // that were in vain
  std::optional<Duration> since_last_nudge;
  // Ours held the master for dead, was restarted for it as IsBlind said, and has its turn: it has no opinion
  // of its own yet, and its first order need not wait for one.
  bool restarted = false;
};

// Whether to ask our Sentinel for a failover: the recorded master is dead, enough Sentinels say so, none does
// anything about it, and a registered replica answers ours. Of all wrappers only the one that is first by
// uuid does, and none whose Sentinel is in TILT: it would act half a minute later.
//
// Stock Sentinel refuses every replica whose link to the master was down when Sentinel began to look, for
// longer than ten times down-after (sentinel.c, sentinelSelectSlave): a fleet that starts after the master's
// death would refuse them for ever.
Finding ShouldNudge(const NudgeView& view);

// How long to leave Sentinel alone after so many nudges that were in vain.
Duration PauseAfterNudge(std::size_t nudges);

// The down-after with which Sentinel takes the freshest living replica, and those that lost the master up to
// ten times down-after before it did. Nothing: there is none, or it would be taken as it is.
std::optional<Duration> RaisedDownAfter(Duration down_after,
                                        const std::vector<sentinel::ReplicaReport>& replicas);

// Whether the failover that a Sentinel leads has got as far as choosing a replica: from then on it is
// certain.
bool HasChosen(const std::vector<sentinel::ReplicaReport>& replicas);

struct StuckView {
  sentinel::SentinelReport own;
  std::vector<sentinel::ReplicaReport> replicas;  // that our Sentinel knows
  store::Record record;
  bool recorded_acts = false;  // the recorded master answers as master
};

// Whether our Sentinel needs the record's word: its master is down, it knows nobody to promote, and the
// record names another master that lives.
Finding IsStuck(const StuckView& view);

// Whether a Sentinel may promote this one of its replicas.
bool IsPromotable(const sentinel::ReplicaReport& replica);

struct BlindView {
  struct Seen {
    store::Member member;
    std::optional<redis::ServerInfo> info;  // nothing: it does not answer
  };
  sentinel::SentinelReport own;
  std::vector<sentinel::ReplicaReport> replicas;  // that our Sentinel knows
  store::Record record;
  bool recorded_answers = false;  // the recorded master, whatever it says
  std::vector<Seen> members;      // registered
  store::History history;
  std::vector<store::KnownDataset> datasets;
};

// Whether our Sentinel has to be told of a replica: its master is dead, it knows none that it could promote,
// and one with the group's data lives that it does not know. It learns of replicas from a living master only.
Finding IsBlind(const BlindView& view);

// Whether our Sentinel does not know a master that the record knows, and will not hear of it soon enough.
// Of a recovery and of a cold start no Sentinel tells it: until it hears of them, it takes those who return
// for replicas of a dead master, and promotes one against the record.
Finding HasMissedRecord(const StuckView& view);

}  // namespace redis_zk::sentinel_wrapper
