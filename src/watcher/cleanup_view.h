// One group as it was looked up for the clean-up, and what can be read from that: who is a stale entry, and
// whether the group is fit for a Sentinel to be blind for a moment. Values and functions of them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "net/endpoint.h"
#include "redis/server_info.h"
#include "sentinel/reports.h"
#include "store/ownership.h"
#include "store/record.h"

namespace redis_zk::watcher {

// A registered Sentinel that knows the group.
struct SentinelView {
  store::Sentinel sentinel;
  sentinel::SentinelReport report;
  sentinel::KnownInstances known;
};

// One group, as it was looked up.
struct CleanUpView {
  std::string group;
  bool connected = false;  // to ZooKeeper
  bool may_act = false;    // this watcher holds the clean-up's lock, or only observes
  store::Record record;
  std::vector<store::Sentinel> sentinels;  // all that are registered
  std::vector<SentinelView> sentinel_views;
  std::vector<store::Sentinel> silent;  // registered, and did not answer
  std::vector<store::Member> members;
  std::vector<store::Identity> identities;
  // The Sentinel ids that are known in other groups. Nothing: not all of them have been looked at.
  std::optional<std::set<std::string>> known_elsewhere;
  std::vector<store::KnownDataset> datasets;
  std::int64_t zookeeper_time = 0;  // milliseconds since 1970; 0: data are not looked at this time
  // The recorded master and the serving members, as far as they answer. Nothing: they were not asked.
  std::optional<std::map<Endpoint, redis::ServerInfo>> servers;
  // Of the addresses in the Sentinels' tables that no member of this group has. `elsewhere`: members of other
  // groups have them. `unregistered`: what the others say without being told a password, and the masters that
  // they follow. `refusing`: those of them that say nothing without one.
  std::set<Endpoint> elsewhere;
  std::map<Endpoint, redis::ServerInfo> unregistered;
  std::set<Endpoint> refusing;
  std::optional<store::GroupMarks> marks;  // nothing: no server had to be judged by them
  std::set<Endpoint> foreign;              // as FindForeign found them
  // The Sentinel ids at whose addresses something answers that does not have the id.
  std::set<std::string> impostors;
};

struct StaleEntry {
  std::string name;   // a Sentinel's id or a replica's address
  std::string shown;  // for people
  // Its address is another server's by now: it is not to return, and its Sentinel would make the newcomer a
  // replica of this group's master.
  bool foreign = false;
};
// Who is gone, for all that ZooKeeper, the master and those at their addresses say, and still counted by
// `sentinel_view`.
std::vector<StaleEntry> FindStaleEntries(const CleanUpView& view, const SentinelView& sentinel_view);
// "Sentinel 10.0.0.4:26379, replica 10.0.0.7:6379"
std::string Join(const std::vector<StaleEntry>& stale_entries);
// Whether a node of the group is registered there.
bool IsMember(const CleanUpView& view, const Endpoint& endpoint);
// Whether the node is registered, wherever.
bool IsAlive(const CleanUpView& view, const std::string& node);
// Whether a registration or an identity in use accounts for the Sentinel.
bool IsAccountedFor(const CleanUpView& view, const sentinel::PeerReport& peer);
bool IsSeenAlive(const SentinelView& sentinel_view, const std::string& stale_entry);
// Whether any Sentinel knows the id, or may know it in a group that was not looked at.
bool IsKnown(const CleanUpView& view, const std::string& id);

// What the Sentinels do not agree on, or agree is bad; nothing: the master is well, for all they know.
std::optional<std::string> FindDispute(const CleanUpView& view);
// Which server is not as it should be. REQUIRES, as what follows: the servers were asked.
std::optional<std::string> FindSickServer(const CleanUpView& view);
// The living servers that `sentinel_view` does not know or reports as down.
std::optional<std::string> FindMissing(const CleanUpView& view, const SentinelView& sentinel_view);
// Why `blind` may not be blind for a moment: the others would not be able to stand in for it.
// A registered Sentinel that is silent counts, and cannot.
std::optional<std::string> FindRisk(const CleanUpView& view, const store::Sentinel& blind);

}  // namespace redis_zk::watcher
