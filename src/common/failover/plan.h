// Whether a handover can begin, and with which replicas and Sentinels, as a function of what was looked up.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/endpoint.h"
#include "redis/server_info.h"
#include "sentinel/reports.h"

namespace redis_zk::failover {

// What was looked up before a handover.
struct HandoverView {
  redis::ServerInfo master;
  Endpoint announced;                                        // what others know the master as
  std::map<Endpoint, Result<redis::ServerInfo>> replicas{};  // the attached ones, by their own word
  std::vector<sentinel::GroupReport> sentinels{};            // of those that answer
  std::size_t registered = 0;                                // Sentinels
  std::size_t needed = 1;                                    // how many Sentinels have to name the master
  std::optional<Endpoint> to{};                              // which to promote
};

// Whether a handover can begin, as a function of what was looked up.
struct HandoverPlan {
  // Those that have to catch up first: every one that Sentinel could promote, since its knowledge of who is
  // ahead is old.
  std::vector<Endpoint> replicas{};
  // Those of them that may be promoted: they hold a complete copy, and their priority is not 0.
  std::vector<Endpoint> candidates{};
  // Sentinels that can be asked, in this order: they know a candidate, and trust their clocks.
  std::vector<Endpoint> sentinels{};
  // All that answer and are not in TILT know a candidate, and the first of them would promote no other one:
  // otherwise applications find the new master a second later.
  bool all_ready = false;
  // What the first of them could promote all the same; see FindUnattached.
  std::vector<Endpoint> unattached{};
  // All that may turn out to have been promoted: Sentinel chooses by what it has heard in the meantime, of a
  // replica that still copied, too.
  std::vector<Endpoint> watched{};
  std::string refusal{};  // why not; one sentence
  bool is_master = true;  // a replica has nothing to hand over
  bool passing = false;   // what is refused now may be possible in a moment
};
HandoverPlan PlanHandover(const HandoverView& view);

// Those that Sentinel could promote all the same: it sees them up, and they are not attached. They still
// copy, or their link has just broken.
std::vector<Endpoint> FindUnattached(const std::vector<Endpoint>& attached,
                                     const std::vector<sentinel::ReplicaReport>& known);

}  // namespace redis_zk::failover
