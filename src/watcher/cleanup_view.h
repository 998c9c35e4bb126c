// One group as it was looked up for the clean-up, and what can be read from that: who is a ghost, and whether
// the group is fit for a Sentinel to be blind for a moment. Values and functions of them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "net/endpoint.h"
#include "redis/sentinel_client.h"
#include "redis/server_info.h"
#include "registry/record.h"

namespace redis_zk::watcher {

// A registered Sentinel that knows the group.
struct Witness {
  registry::Sentinel sentinel;
  redis::SentinelReport report;
  redis::Acquaintances known;
};

// One group, as it was looked up.
struct CleanUpView {
  std::string group;
  bool connected = false;  // to ZooKeeper
  bool may_act = false;    // this watcher holds the clean-up's lock, or only observes
  registry::Record record;
  std::vector<registry::Sentinel> sentinels;  // all that are registered
  std::vector<Witness> witnesses;
  std::vector<registry::Sentinel> silent;  // registered, and did not answer
  std::vector<registry::Member> members;
  std::vector<registry::Seat> seats;
  // The Sentinel ids that are known in other groups. Nothing: not all of them have been looked at.
  std::optional<std::set<std::string>> known_elsewhere;
  std::vector<registry::KnownDataset> datasets;
  std::int64_t zookeeper_time = 0;  // milliseconds since 1970; 0: data are not looked at this time
  // The recorded master and the serving members, as far as they answer. Nothing: they were not asked.
  std::optional<std::map<Endpoint, redis::ServerInfo>> servers;
};

struct Ghost {
  std::string name;   // a Sentinel's id or a replica's address
  std::string shown;  // for people
};
// Who is gone, for all that ZooKeeper and the master know, and still counted by `witness`.
std::vector<Ghost> FindGhosts(const CleanUpView& view, const Witness& witness);
// "Sentinel 10.0.0.4:26379, replica 10.0.0.7:6379"
std::string Join(const std::vector<Ghost>& ghosts);
bool IsSeenAlive(const Witness& witness, const std::string& ghost);
// Whether any Sentinel knows the id, or may know it in a group that was not looked at.
bool IsKnown(const CleanUpView& view, const std::string& id);

// What the Sentinels do not agree on, or agree is bad; nothing: the master is well, for all they know.
std::optional<std::string> FindDispute(const CleanUpView& view);
// Which server is not as it should be. REQUIRES, as what follows: the servers were asked.
std::optional<std::string> FindSickServer(const CleanUpView& view);
// Whom of the living `witness` does not know or not find well.
std::optional<std::string> FindMissing(const CleanUpView& view, const Witness& witness);
// Why `blind` may not be blind for a moment: the others would not be able to stand in for it.
std::optional<std::string> FindRisk(const CleanUpView& view, const registry::Sentinel& blind);

}  // namespace redis_zk::watcher
