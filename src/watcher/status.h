// How the groups are, as the observer found them, and what is wrong with them: values and functions of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "net/endpoint.h"
#include "redis/server_info.h"
#include "sentinel/links.h"
#include "sentinel/reports.h"
#include "watcher/topology.h"

namespace redis_zk::watcher {

// One Redis, as it answered last time.
struct ServerStatus {
  Endpoint endpoint;
  std::optional<redis::ServerInfo> info;  // nothing: it does not answer
  std::string error;                      // why not
  // Of a master that has it set, where it tells: min-replicas-to-write.
  std::optional<std::int64_t> min_replicas{};
  TimePoint silent_since{};  // the first time that it did not
};

struct SentinelStatus {
  Endpoint endpoint;
  std::optional<sentinel::SentinelReport> report;  // nothing: it does not answer, or does not know the group
  std::string error;                               // which of them
  std::vector<sentinel::ReplicaReport> replicas;   // that it knows
};

// A Sentinel that is connected to a server of the group, and that no registration accounts for.
struct StrangeSentinel {
  std::string id;    // the first eight digits
  std::string host;  // it comes from there
  Endpoint server;   // one that it is connected to
  TimePoint since{};
};

// Whether clients can write: the recorded master answers as master, has its data, and misses no replica.
struct Writable {
  bool is = false;
  TimePoint since{};              // as far as was seen
  bool since_first_look = false;  // and perhaps for longer
};

struct GroupStatus {
  store::Record record;                         // what was recorded when it was looked at
  std::optional<ServerStatus> master;           // the recorded one
  std::vector<ServerStatus> replicas;           // those that master, Sentinels or ZooKeeper list, by address
  std::vector<SentinelStatus> sentinels;        // all that are registered
  std::vector<WaitingMember> waiting;           // as the topology had them
  std::map<Endpoint, TimePoint> incomplete;     // the same
  std::map<Endpoint, std::int64_t> priorities;  // the same
  std::vector<LongWait> waits;                  // the same
  std::vector<StrangeSentinel> strange_sentinels;
  std::vector<std::string> warnings;
  std::string risk;  // the warning that no failover would follow the death of the master; empty: one would
  Writable writable;
};

struct FleetStatus {
  TimePoint observed_at{};  // the epoch of the clock: never
  std::map<std::string, GroupStatus> groups;
};

// What the servers said when they were asked.
struct Findings {
  // By group, then in the order of the topology's Sentinels.
  std::map<std::string, std::vector<Result<sentinel::GroupReport>>> reports;
  std::map<Endpoint, Result<redis::ServerInfo>> servers;
  // Of masters that have it set, where they tell: min-replicas-to-write.
  std::map<Endpoint, std::int64_t> min_replicas;
  // The Sentinels that are connected to a server; those that were not asked are left out, and keep what was
  // known.
  std::map<Endpoint, std::vector<sentinel::Link>> links;
};

// The servers to ask about a group beside its master: the replicas that serve as ZooKeeper knows, those that
// Sentinels list now, and those that were attached when the master was asked last. REQUIRES: the topology has
// the group.
std::vector<Endpoint> ReplicasOf(const std::string& group, const Topology& topology, const Findings& findings,
                                 const FleetStatus& earlier);

// "redis-wrapper 10.0.0.1:6379 has waited for 42 s: ..."
std::string DescribeWait(const LongWait& wait, TimePoint now);

FleetStatus Summarize(const Topology& topology, const Findings& findings, const FleetStatus& earlier,
                      TimePoint now);

bool HasMaster(const store::Record& record);

// Whether a Sentinel reports the recorded master as the master; whether it finds it well, too.
bool NamesMaster(const GroupStatus& group, const SentinelStatus& sentinel);
bool Agrees(const GroupStatus& group, const SentinelStatus& sentinel);

// Whether a replica gets what is written: its link is up, and to the recorded master.
bool IsAttached(const GroupStatus& group, const ServerStatus& replica);

// How far a replica is behind its master, in bytes; nothing, where that cannot be told.
std::optional<std::int64_t> LagOf(const GroupStatus& group, const ServerStatus& replica);

// A sentence for people: what is open, and what closes it. REQUIRES: some are.
std::string DescribeOpen(const OpenZnodes& open);

// Of the servers that other hosts may use without a password, by kind ("redis", "sentinel"): how many there
// are and a sentence about them; nothing: there are none.
struct OpenKind {
  std::size_t count = 0;
  std::string sentence;
};
std::map<std::string, OpenKind> FindOpenKinds(const std::vector<store::Report>& wrappers);

// What is wrong with what all groups need.
std::vector<std::string> WarningsOf(const Topology& topology, TimePoint now);

}  // namespace redis_zk::watcher
