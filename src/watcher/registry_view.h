// What ZooKeeper said when it was read last, as one value.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "net/endpoint.h"
#include "store/event_log.h"
#include "store/record.h"
#include "watcher/topology.h"

namespace redis_zk::watcher {

struct RegistryView {
  std::vector<store::Sentinel> sentinels;
  // Registrations that an ACL closes to us: those Sentinels are not among them.
  std::size_t closed_sentinels = 0;
  // Of how many a majority counts.
  std::size_t registered() const { return sentinels.size() + closed_sentinels; }
  std::map<std::string, store::Record> groups;
  store::Pauses pauses;  // also those that have ended
  // Read less often. Of all groups that have members.
  std::map<std::string, std::vector<store::Member>> members;
  // The ids of all Sentinels that are registered here, or have been and may return.
  std::set<std::string> sentinel_ids;
  // By these nothing is decided.
  std::map<std::string, std::vector<WaitingMember>> waiting;
  std::map<std::string, std::set<Endpoint>> serving;
  std::map<std::string, std::map<Endpoint, TimePoint>> incomplete;
  std::map<std::string, std::map<Endpoint, std::int64_t>> priorities;  // as in the topology
  std::map<std::string, std::size_t> versions;                         // the same
  std::map<std::string, std::vector<LongWait>> waits;                  // by group
  std::vector<store::Report> wrappers;                                 // as in the topology
  // The groups with members. It matters for those that were never recorded only.
  std::set<std::string> populated;
  // As in the topology.
  TimePoint known_at{};
  std::optional<Clock::duration> read_took;
};

// Whether the group is more than a znode that every deployment has: also one that a daemon waits for.
// REQUIRES: it is one of the groups.
inline bool Exists(const RegistryView& view, const std::string& group) {
  return !store::WasNeverWritten(view.groups.at(group)) || view.populated.contains(group) ||
         view.waits.contains(group);
}

// What of the topology stands in ZooKeeper.
Topology TopologyOf(const RegistryView& view, const std::string& default_group);

}  // namespace redis_zk::watcher
