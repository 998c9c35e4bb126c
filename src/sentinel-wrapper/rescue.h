// When to help a Sentinel that cannot help itself, as functions of values.
//
// Everywhere else Sentinel leads: a failover that runs is never disturbed, and one that Sentinel can start by
// itself is left to it.
#pragma once

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

// How long a Sentinel whose master is dead may know nobody to promote before it is told of those who could
// be. A failover that another one leads gets as far as its choice by then.
inline constexpr Duration kBlindBeforeRestart = 1s;
// How long a Sentinel may be stuck before it is brought to the recorded master.
inline constexpr Duration kStuckBeforeRestart = 5s;

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

// Whether the group began anew without our Sentinel's knowledge, by a recovery or a cold start: the record
// says so with an epoch that no Sentinel gave. Until our Sentinel hears of it, it takes those who return for
// replicas of a dead master, and promotes one against the record.
Finding HasMissedColdStart(const StuckView& view);

}  // namespace redis_zk::sentinel_wrapper
