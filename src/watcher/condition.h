// How each server is, in words. The terminal, the page, /status and the warnings all take them from here.
#pragma once

#include <string>

#include "base/time.h"
#include "watcher/status.h"
#include "watcher/topology.h"

namespace redis_zk::watcher {

enum class Level { kGood, kPlain, kBad };

struct Condition {
  Level level = Level::kPlain;
  std::string state;    // for a table, beside the address: "in step"
  std::string details;  // for the column after it: "7 keys, 1.5 MB", or why there is no answer
  std::string warning;  // to be said after the server's name; empty: nothing is wrong
};

// Why clients cannot write to the recorded master, to be said after its name; empty: they can.
std::string WhyNotWritable(const ServerStatus& master);

// It has fit replicas, and does not tell how many it needs for a write.
bool HidesMinReplicas(const ServerStatus& master);

// Of the recorded one.
Condition ConditionOfMaster(const ServerStatus& master, TimePoint now);
Condition ConditionOfReplica(const GroupStatus& group, const ServerStatus& replica, TimePoint now);
Condition ConditionOfSentinel(const GroupStatus& group, const SentinelStatus& sentinel);
Condition ConditionOfWaiting(const WaitingMember& member, TimePoint now);

// "master 10.0.0.1:6379, 2 of 2 replicas attached, 3 of 3 Sentinels agree"
std::string SummaryOf(const GroupStatus& group);

}  // namespace redis_zk::watcher
