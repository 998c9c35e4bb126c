// What would happen to a group if its master, a Sentinel or everything died, by the rules that Sentinel and
// the daemons go by: judged from what was observed, and not yet in sentences (explain.h). Functions of
// values; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "net/endpoint.h"
#include "watcher/status.h"

namespace redis_zk::watcher {

// How many votes a Sentinel needs that knows of `counted` Sentinels, itself included.
std::uint64_t VotesToLead(std::uint64_t quorum, std::uint64_t counted);

// What it takes to fail over, by the strictest of the Sentinels: the quorum to begin, a majority of all that
// are counted to lead.
struct Election {
  std::uint64_t agreeing = 0;  // answer, and watch the recorded master
  std::uint64_t quorum = 0;
  std::uint64_t counted = 0;
  Duration down_after{};

  std::uint64_t needed() const { return VotesToLead(quorum, counted); }
  // With so many of those that agree gone.
  bool possible_without(std::uint64_t dead) const { return agreeing >= needed() + dead; }
};

struct Succession {
  const ServerStatus* candidate = nullptr;    // nothing: no replica can be promoted
  std::string why;                            // it and no other one
  std::map<Endpoint, std::string> obstacles;  // why a replica would not be promoted; the others could be
};

enum class OnDisk { kUnknown, kNothing, kCopying, kIncomplete, kAll };

OnDisk FindOnDisk(const ServerStatus& server);

// Whether its user does not want it to be the master.
bool IsBackup(const GroupStatus& group, const ServerStatus& server);

// The node that would begin after a cold start, as far as that can be told while all nodes live.
struct ColdStart {
  std::vector<const ServerStatus*> newest;     // about equally far, all of it on disk
  std::vector<const ServerStatus*> snapshots;  // what they wrote since the last one would be lost
  std::vector<const ServerStatus*> others;     // of another replication id than the master, or the furthest
  std::vector<const ServerStatus*> backups;    // of priority 0, as far as the newest: others begin
  bool a_backup_begins = false;                // all of the newest are of priority 0
  bool any_data = false;
  bool any_unknown = false;
};

// Points into the group that it was made of, which must outlive it.
struct Forecast {
  Election election;
  Succession succession;
  ColdStart cold_start;

  bool fails_over() const { return election.possible_without(0) && succession.candidate != nullptr; }
};

Forecast Foresee(const GroupStatus& group, TimePoint now);

}  // namespace redis_zk::watcher
