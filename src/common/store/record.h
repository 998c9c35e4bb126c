// What stands in ZooKeeper, as values. Parsing and rendering only; nothing here talks to a server.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/endpoint.h"
#include "redis/load_failure.h"

namespace redis_zk::store {

// Epochs count elections: with one a second these would take thirty thousand years, so a higher number is
// garbage. Sentinel's elections fail for ever at 2^63: votes are asked for with a signed number (sentinel.c,
// sentinelCommand). What is read may be higher than what Sentinels are told, for they go on from there.
inline constexpr std::uint64_t kMostReadEpoch = 2'000'000'000'000;
inline constexpr std::uint64_t kMostToldEpoch = 1'000'000'000'000;

// What Sentinels may be told of an epoch: itself, or 0.
constexpr std::uint64_t TellableEpoch(std::uint64_t epoch) { return epoch <= kMostToldEpoch ? epoch : 0; }

// Who says so.
enum class Origin {
  kNamed,  // a Sentinel names the master
  // A Sentinel has promoted it, and does not know yet. The epoch is that of its election.
  kPromoted,
  // A recovery or a cold start made it: no Sentinel did, and a failover that was not seen yet may have its
  // epoch.
  kUnelected,
};

// How the record came to be what it is: the znode /redis/lineage/<group>, JSON, written with every record of
// ours. It speaks of the record only while `master` equals it: the Python and Go originals write records
// without it.
struct Lineage {
  std::uint64_t epoch = 0;  // Sentinel's config epoch of the configuration
  std::string master;       // record form
  std::string reason;       // one sentence, for people
  Origin origin = Origin::kNamed;

  bool operator==(const Lineage&) const = default;
};

std::string Render(const Lineage& lineage);
Result<Lineage> ParseLineage(std::string_view text);

// The master of a group as ZooKeeper has it.
struct Record {
  enum class State { kNone, kMaster, kUnreadable };
  State state = State::kNone;
  Endpoint master;           // kMaster only
  std::string found;         // kUnreadable only: what stands there, made fit for a log line
  std::int32_t version = 0;  // of the znode, for a conditional write
  std::uint64_t epoch = 0;   // of the newest configuration that was ever recorded; 0: unknown
  // Whether the lineage speaks of this record. If not, its writer does not know epochs: one of the
  // originals, or a person.
  bool lineage_fits = false;
  Origin origin = Origin::kNamed;  // as in the lineage, where that fits
  std::string reason;              // the same; one sentence, made fit for a log line
};

// Whether Sentinels that name another master are to be told of it.
inline bool IsAheadOfSentinels(const Record& record) { return record.origin != Origin::kNamed; }

// Which config epoch proves that the record is old. One that was written without an epoch gives way to the
// newest that was ever recorded, too; epoch 0 is no failover's, so it proves nothing. That of a recovery or a
// cold start was not won in an election: a failover that was not seen by then may have the same.
inline std::uint64_t LeastEpoch(const Record& record) {
  if (!record.lineage_fits) return std::max<std::uint64_t>(record.epoch, 1);
  return record.origin == Origin::kUnelected ? record.epoch : record.epoch + 1;
}

// Whether the znode still is as it was made: of a group that may not exist.
inline bool WasNeverWritten(const Record& record) {
  return record.state == Record::State::kNone && record.version == 0 && record.epoch == 0;
}

// What a record is to say.
struct NextRecord {
  Endpoint master;
  std::uint64_t epoch = 0;
  std::string reason;  // one sentence, for people
  Origin origin = Origin::kNamed;
};

// What the record is once that was written in place of `replaced`.
Record Replaced(const Record& replaced, const NextRecord& next);

// Empty text is kNone, anything that is not "host port" kUnreadable.
Record ParseMasterRecord(std::string_view text);

struct Sentinel {
  std::string uuid;
  Endpoint endpoint;
  // Its znode is ephemeral, so one of our wrappers keeps it, and its id follows from the uuid. The originals'
  // znodes are persistent.
  bool ours = true;

  bool operator==(const Sentinel&) const = default;
};

// The data a Redis has on disk, told without loading them.
struct Dataset {
  // Which history the data belong to: Redis' replication id, 40 hexadecimal digits; empty: it cannot be told.
  std::string replication_id;
  // What it was called before the last promotion or restart; empty: nothing is known.
  std::string previous_id;
  // What the master's data were called when the copy was begun whose own name is not written down: a
  // master gets another id with its first replica. Empty: these data are no such copy.
  std::string copy_of{};
  // How far in that history they go, in bytes. Offsets compare only within one replication id.
  std::int64_t offset = 0;
  std::uint64_t bytes = 0;  // on disk, 1 of what is in memory; 0: there are no data

  bool empty() const { return bytes == 0; }
  bool operator==(const Dataset&) const = default;
};

// Redis' replica-priority where none is set, and that of a node which is not to be the master.
inline constexpr std::int64_t kDefaultPriority = 100;
inline constexpr std::int64_t kNeverPromoted = 0;

// A redis-wrapper that is alive. Its Redis serves, or is still waiting for its role.
struct Member {
  std::string uuid;
  Endpoint endpoint;
  std::string node;  // whose data they are: outlives restarts as long as the data do
  Dataset dataset;   // as found at the start
  bool serving = false;
  // It serves as a replica that holds no complete copy of the group's data, and must not be promoted.
  bool incomplete = false;
  // Its server runs and has long not answered, so it does not serve: what it held in memory when it last did,
  // and may hold still.
  std::optional<Dataset> hanging;
  std::int64_t priority = kDefaultPriority;  // the replica-priority of its user
  std::string version{};                     // of its wrapper; empty: before 0.2.0

  bool operator==(const Member&) const = default;
};

std::string Render(const Member& member);
// Everything but the uuid, which is the znode's name.
Result<Member> ParseMember(std::string_view text);

// How the starts with the same files have come out since they were loaded last.
struct FailedLoads {
  std::int64_t count = 0;                               // loads that failed, with proof
  redis::LoadCause cause = redis::LoadCause::kUnknown;  // as told last; never kElsewhere
  int last_exit = 0;  // exit code of the last server that did not come to serve, for whatever reason; 0: none
  std::int64_t ends = 0;   // of servers that did not come to serve, for whatever reason
  bool begun = false;      // a load was begun, and its end was not reported
  std::int64_t files = 0;  // which files: others count anew; 0: it is not known

  // Whether a server has been started with them: their node is not gone.
  bool tried() const { return begun || last_exit != 0 || count > 0; }
  bool operator==(const FailedLoads&) const = default;
};

// Data that were last seen on a node, whether it is alive now or not: the znode
// /redis/datasets/<group>/<node>, JSON, which stays when everything dies.
struct KnownDataset {
  std::string node;
  Endpoint endpoint;  // where the node was last
  Dataset dataset;
  std::int64_t reported_at = 0;  // milliseconds since 1970, by ZooKeeper's clock
  FailedLoads failed{};
  std::int64_t priority = kDefaultPriority;  // as of a member

  bool operator==(const KnownDataset&) const = default;
};

std::string Render(const KnownDataset& known);
// Everything but the node, which is the znode's name, and reported_at.
Result<KnownDataset> ParseKnownDataset(std::string_view text);

// The data of a group through its failovers: what makes "better" mean something after everything has died.
// The znode /redis/history/<group>, JSON, kept by the master's wrapper.
struct History {
  struct Chapter {
    std::string replication_id;
    std::int64_t until = 0;  // the offset at which the next chapter began

    bool operator==(const Chapter&) const = default;
  };
  std::string replication_id;      // the master's; empty: nothing is known
  std::int64_t offset = 0;         // how far the master was when it reported last
  std::vector<Chapter> ancestors;  // oldest first
  std::int64_t reported_at = 0;    // milliseconds since 1970, by ZooKeeper's clock
  std::string node{};              // whose data they are, as of a member; empty: it is not known

  bool operator==(const History&) const = default;
};

std::string Render(const History& history);
// Everything but reported_at.
Result<History> ParseHistory(std::string_view text);

// An identity that Sentinels take over from one another, so that a replaced one is no stranger to its peers:
// the znode /redis/identities/<uuid>, JSON, with an ephemeral child "taken" while a Sentinel has it.
struct Identity {
  std::string uuid;
  Endpoint endpoint;        // of the Sentinel that has it, or had it last
  std::uint64_t epoch = 0;  // the highest that this identity may have voted in
  bool taken = false;
  std::string version{};  // of the wrapper that has it, or had it last; empty: before 0.2.0

  bool operator==(const Identity&) const = default;
};

std::string Render(const Identity& identity);
// Everything but the uuid, which is the znode's name, and `taken`.
Result<Identity> ParseIdentity(std::string_view text);

// The highest epoch known of that can be told, at least `known_epoch`: what Sentinels that are gone may have
// voted in counts.
std::uint64_t FleetEpoch(const std::vector<Identity>& identities, std::uint64_t known_epoch);

}  // namespace redis_zk::store
