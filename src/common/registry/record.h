// What stands in ZooKeeper, as values. Parsing and rendering only; nothing here talks to a server.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/endpoint.h"

namespace redis_zk::registry {

// How the record came to be what it is: the znode /redis/lineage/<group>, JSON, written with every record of
// ours. It speaks of the record only while `master` equals it: the Python and Go originals write records
// without it.
struct Lineage {
  std::uint64_t epoch = 0;  // Sentinel's config epoch of the configuration
  std::string master;       // record form
  std::string reason;       // one sentence, for people
};

std::string Render(const Lineage& lineage);
Result<Lineage> ParseLineage(std::string_view text);

// The master of a group as ZooKeeper has it.
struct Record {
  enum class State { kNone, kMaster, kUnreadable };
  State state = State::kNone;
  Endpoint master;           // kMaster only
  std::string found;         // kUnreadable only: what stands there
  std::int32_t version = 0;  // of the znode, for a conditional write
  std::uint64_t epoch = 0;   // of the newest configuration that was ever recorded; 0: unknown
  // Whether the lineage speaks of this record. If not, somebody wrote it who does not know epochs: one of the
  // originals, or a person.
  bool lineage_fits = false;
};

// Empty text is kNone, anything that is not "host port" kUnreadable.
Record ParseMasterRecord(std::string_view text);

struct Sentinel {
  std::string uuid;
  Endpoint endpoint;

  bool operator==(const Sentinel&) const = default;
};

// A redis-wrapper that is alive.
struct Member {
  std::string uuid;
  Endpoint endpoint;

  bool operator==(const Member&) const = default;
};

std::string RenderMember(const Endpoint& endpoint);
Result<Endpoint> ParseMember(std::string_view text);

}  // namespace redis_zk::registry
