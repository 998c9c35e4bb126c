// What a Redis says about itself: the parts of INFO that decisions need.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/endpoint.h"
#include "redis/connection.h"

namespace redis_zk::redis {

enum class Role { kMaster, kReplica };

// What INFO says as the offset of a replica that is not linked, and could not go on where it left off: before
// its first copy, during one, and after one that could not be loaded (replication.c: no master, none cached).
inline constexpr std::int64_t kNoMasterKnown = 1;

// What redis-wrapper's fence sets min-replicas-to-write to: more replicas than any master has.
inline constexpr std::int64_t kFencedMinReplicas = 65535;

// One of the replicas that a master lists.
struct ReplicaOf {
  Endpoint endpoint;        // as it announces itself
  bool online = false;      // gets the stream of writes; otherwise it still copies or connects
  std::int64_t offset = 0;  // acknowledged, up to a second ago unless it was asked since

  bool operator==(const ReplicaOf&) const = default;
};

struct ServerInfo {
  Role role = Role::kMaster;
  std::string run_id;
  std::int64_t process_id = 0;  // in its own pid namespace
  bool loading = false;
  // An append-only file is being written anew, or is about to be.
  bool rewriting_aof = false;
  bool aof_rewrite_failed = false;   // the last one
  std::uint64_t keys = 0;            // over all databases
  std::uint64_t used_memory = 0;     // in bytes
  std::uint64_t max_memory = 0;      // 0: no limit
  bool append_only = false;          // keeps an append-only file
  std::int64_t unsaved_changes = 0;  // since the last snapshot
  bool saving = false;               // a snapshot is being written
  bool save_failed = false;          // the last one
  std::int64_t last_save = 0;        // Unix time of the last one, or of the server's start
  std::uint64_t connected_replicas = 0;
  std::string replication_id;
  // Master: written so far; replica: received so far, kNoMasterKnown without a master whose data it has.
  std::int64_t offset = 0;
  // How far the data in memory go, also of a replica that has just lost what its offset speaks of.
  std::int64_t data_offset = 0;
  // What the data were called before this server was promoted, and the offset up to which that holds; empty
  // and -1: it never was.
  std::string previous_replication_id;
  std::int64_t previous_until = -1;
  // Masters only.
  std::vector<ReplicaOf> replicas;
  // How many replicas are fit for min-replicas-to-write; nothing: it is not set.
  std::optional<std::uint64_t> good_replicas;
  // Replicas only.
  std::int64_t priority = 100;  // Sentinel promotes the lowest first, and 0 never
  Endpoint master;
  bool link_up = false;
  Duration link_down_for{};  // 0 while the link stands, and where it never did
  // Since the master last sent anything; it does at least every ten seconds (repl-ping-replica-period).
  Duration link_silent_for{};
  bool synchronising = false;  // copies the master's data
};

// Parses the text of INFO; an error when there is no role in it.
Result<ServerInfo> ParseServerInfo(std::string_view info);

// One number in the text of INFO, of a Redis or a Sentinel; 0: it does not say.
std::int64_t NumberIn(std::string_view info, std::string_view name);
// A text there; empty: it does not say.
std::string TextIn(std::string_view info, std::string_view name);

}  // namespace redis_zk::redis
