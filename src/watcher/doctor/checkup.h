// What `watcher doctor` has found out about an installation, as one value. Nothing here talks to a server.
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
#include "sentinel/reports.h"
#include "watcher/status.h"
#include "watcher/topology.h"

namespace redis_zk::watcher::doctor {

// What both kinds of servers are asked.
struct Answers {
  Endpoint endpoint;
  std::string error;                           // why it does not answer this machine; empty: it does
  std::string version;                         // "7.0.15"; empty: it does not say
  std::optional<Clock::duration> round_trip;   // the quickest of a few
  std::optional<Clock::duration> clock_ahead;  // of this machine's; negative: it is behind
};

struct Redis : Answers {
  std::string group;
  std::int64_t clients = 0;
  // Those of the list below that it tells. Empty: it does not answer, or refuses CONFIG GET.
  std::map<std::string, std::string> settings{};
};

struct Sentinel : Answers {
  std::map<std::string, sentinel::KnownInstances>
      known;  // by group; those that it does not monitor are missing
};

// The machine that the command runs on.
struct Machine {
  std::vector<Endpoint> servers;  // the groups' Redis on its addresses
  std::string overcommit;         // vm.overcommit_memory; empty: it could not be read
  std::string huge_pages;         // "always", "madvise" or "never"; the same
};

// A host name that is announced in place of an address.
struct Name {
  std::string name;
  Result<std::vector<std::string>> addresses;
  Clock::duration took{};
};

struct Checkup {
  Topology topology;
  FleetStatus status;
  std::vector<Redis> redis;  // the registered ones, by address
  std::vector<Sentinel> sentinels;
  std::vector<Name> names;
  Machine machine;
  std::int64_t unix_now = 0;   // milliseconds since 1970, when it was looked
  std::size_t zookeepers = 0;  // in ZK_HOSTS
  Clock::duration zookeeper_took{};
  bool credentials = false;  // ZK_USERNAME is set
};

// What a Redis is asked with CONFIG GET: none of it is a secret.
inline constexpr const char* kMaxClients = "maxclients";
inline constexpr const char* kMaxMemory = "maxmemory";
inline constexpr const char* kMaxMemoryPolicy = "maxmemory-policy";
inline constexpr const char* kMinReplicas = "min-replicas-to-write";
inline constexpr const char* kAppendOnly = "appendonly";
inline constexpr const char* kSave = "save";

}  // namespace redis_zk::watcher::doctor
