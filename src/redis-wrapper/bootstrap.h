// Which role a Redis that is about to start takes: a function of what was looked up, and nothing else.
//
// The rule behind every row: no node serves as master on its own word. A living master that ZooKeeper or a
// majority of the Sentinels names is followed; while a living Redis of the group holds data and can be
// promoted, the Sentinels decide; a node becomes master only under the group's lock, and only when no better
// data are alive, held by a server that hangs, starting, or awaited.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "net/endpoint.h"
#include "redis/server_info.h"
#include "sentinel/reports.h"
#include "store/record.h"

namespace redis_zk::redis_wrapper {

// What was found. `locked` says whether it was looked up while the group's lock was held.
struct View {
  Endpoint self;
  store::Record record;
  // The master that more than half of the registered Sentinels name.
  std::optional<sentinel::MajorityMaster> sentinels_say;
  std::size_t sentinels_answering = 0;
  // Those that do not call the master they name down, although it does not answer us.
  std::size_t sentinels_seeing_master = 0;
  // The newest configuration that the record or a Sentinel speaks of.
  std::uint64_t highest_epoch = 0;
  // Every other Redis of the group that was asked and answered: the recorded master, the one that the
  // Sentinels name, the registered members.
  std::map<Endpoint, redis::ServerInfo> living;
  // What members hold whose servers run and have long not answered, as far as it is known.
  std::map<Endpoint, store::Dataset> hanging;
  // The data that living members found on their disks when they started.
  std::map<Endpoint, store::Dataset> found_by_living;
  // Registered as serving, and does not answer: frozen, cut off, or dead since a moment. Also a master whose
  // data the group does not know, as long as a registration stands for its address.
  std::vector<Endpoint> silent;
  // Of these, whose server refuses this node, and why. Also a recorded or named master that answers outside
  // the trusted networks.
  std::map<Endpoint, Error> refusing;
  // Those named as master where a foreign server answers, and why it is none of the group: as good as
  // silent, see identity.h.
  std::map<Endpoint, std::string> strangers;

  // The data on this node's disk, whose they are, and its user's replica-priority.
  store::Dataset own;
  bool own_append_only = false;  // its offset is as good an estimate as the note beside the file
  std::string node;
  std::int64_t priority = store::kDefaultPriority;
  // The members that are starting too.
  std::vector<store::Member> starting;
  // Nodes that are gone, and may come back with better data than anybody here has; see FindAwaited.
  std::vector<store::KnownDataset> awaited;
  // Of all that are gone, those that may be masters: whatever their data are.
  std::vector<store::KnownDataset> promotable_absent;
  // The data of nodes whose server has failed to load them too often, by node: of those present, and of those
  // that are gone.
  std::map<std::string, store::KnownDataset> failing;
  // How the starts of a node came out that has not come to serve since, by node.
  std::map<std::string, store::FailedLoads> starts;
  // Whether they are still waited for: COLD_START_WAIT has not passed.
  bool patient = true;
  // Whether all that run have registered: after ZooKeeper was away every session may have expired.
  bool all_registered = true;
  store::History history;
  // FORCE_MASTER: an address or the beginning of a replication id; empty: not set.
  std::string force_master;

  bool locked = false;
};

struct Decision {
  enum class Action {
    kServeAsMaster,
    kFollow,  // be a replica of `master`
    kWait,    // look again when something changes
  };
  Action action = Action::kWait;
  Endpoint master;               // kFollow
  std::string replication_id;    // kFollow: what the master's data are called
  bool needs_lock = false;       // only valid when view.locked; else take the lock and look again
  std::string wait{};            // kWait: what for, a code; see daemon::Wait
  bool needs_person = false;     // kWait: no daemon ends it, and the reason says what a person must do
  bool ask_failover = false;     // kWait: a Sentinel should promote one of the replicas now
  bool cold_start = false;       // the group begins anew from what is on disk
  bool awaits_datasets = false;  // kWait: for COLD_START_WAIT
  bool awaits_start = false;     // kWait: for a node that starts and may fail, which is not awaited anew then
  std::uint64_t epoch = 0;       // of the configuration that comes of it
  bool forced = false;           // by FORCE_MASTER, against data of other origin
  bool disputed = false;         // only a person can say which data are the right ones
  std::string given_up{};        // whose data are, why, and what to do; empty: none
  std::string reason;            // one sentence, for the log and the record

  static Decision Wait(std::string name, std::string reason) {
    return {.action = Action::kWait, .wait = std::move(name), .reason = std::move(reason)};
  }
};

// Whether no failover can make it the master: a replica of priority 0, by its user's will or since it holds
// no complete copy of the data. What one that is loading will hold is not known yet.
bool IsNeverPromoted(const redis::ServerInfo& info);

Decision Decide(const View& view);

// A node whose server failed so often to load its data is not awaited any more, provided that a server has
// said at least once what is wrong with them: a missing module or a disk error may look alike.
inline constexpr std::int64_t kMostFailedLoads = 3;
inline bool IsGivenUp(const store::FailedLoads& failed) {
  return failed.count >= kMostFailedLoads && failed.cause != redis::LoadCause::kUnknown;
}

// Which of the `known` datasets may be better than the best of `present` that can be loaded, and belong to
// no node `present` or living: those that are newer, and those of nodes that still reported when the group
// died and may have written on after their last report.
std::vector<store::KnownDataset> FindAwaited(const std::vector<store::KnownDataset>& known,
                                             const std::vector<store::Member>& present,
                                             const store::History& history);
// Which of them belong to nodes that may be masters, can be loaded, and are not `present`.
std::vector<store::KnownDataset> FindPromotableAbsent(const std::vector<store::KnownDataset>& known,
                                                      const std::vector<store::Member>& present);

}  // namespace redis_zk::redis_wrapper
