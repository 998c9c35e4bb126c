// When to help a Sentinel that cannot help itself, as functions of values.
//
// Everywhere else Sentinel leads: a failover that runs is never disturbed, and one that Sentinel can start by
// itself is left to it.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "sentinel/reports.h"
#include "store/record.h"

namespace redis_zk::sentinel_wrapper {

struct Finding {
  bool holds = false;
  std::string reason;  // one sentence
};

// How long a Sentinel may be stuck before it is brought to the recorded master.
inline constexpr Duration kStuckBeforeRestart = 5s;

struct StuckView {
  sentinel::SentinelReport own;
  std::vector<sentinel::ReplicaReport> replicas;  // that our Sentinel knows
  store::Record record;
  bool recorded_acts = false;  // the recorded master answers as master
};

// Whether our Sentinel needs the record's word: its master is down, it knows no replica to promote, and the
// record names another master that lives.
Finding IsStuck(const StuckView& view);

// Whether the record is ahead of our Sentinel: it names a master that a recovery, a cold start or another
// Sentinel has made, before any Sentinel says so. Until ours hears of it, it takes those who return for
// replicas of a dead master, and promotes one against the record.
Finding IsBehind(const StuckView& view);

}  // namespace redis_zk::sentinel_wrapper
