// What a Sentinel is told about its groups before it starts: what it could otherwise learn from living
// masters only. A function of values.
//
// A fresh Sentinel asks the master for the replicas and meets its peers through them. Where the master is
// dead already it would know no replica and promote none, for ever.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net/endpoint.h"
#include "sentinel/reports.h"
#include "store/record.h"

namespace redis_zk::sentinel_wrapper {

struct Monitoring {
  struct Group {
    std::string name;
    Endpoint master;
    std::uint64_t config_epoch = 0;  // of the configuration in which `master` is the master
    std::vector<Endpoint> replicas;
    std::optional<std::string> auth_pass{};  // what its servers accept; nothing: REDIS_PASSWORD

    bool operator==(const Group&) const = default;
  };
  std::string sentinel_id;  // 40 hexadecimal digits
  std::uint64_t epoch = 0;  // the fleet's highest
  std::vector<Group> groups;
  std::vector<sentinel::Peer> peers;           // they monitor the same groups
  std::optional<std::string> sentinel_pass{};  // what they accept; nothing: SENTINEL_PASSWORD
  int passwords = 0;                           // the generation of all passwords
};

// What ZooKeeper says.
struct Fleet {
  struct Group {
    std::string name;
    store::Record record;                // names a master
    std::vector<store::Member> members;  // registered
  };
  std::vector<Group> groups;
  std::vector<store::Identity> identities;
  std::vector<store::Sentinel> sentinels;  // registered
};

// The registered Sentinels that are not ours, and their ids. Those without an identity are left out, since
// their id is unknown: they will make themselves known. No endpoint and no id stands twice.
std::vector<sentinel::Peer> PeersOf(const store::Identity& identity,
                                    const std::vector<store::Identity>& identities,
                                    const std::vector<store::Sentinel>& sentinels);

// `identity` is ours. Sentinel refuses a file in which an endpoint or an id stands twice.
Monitoring MonitoringOf(const store::Identity& identity, const Fleet& fleet);

}  // namespace redis_zk::sentinel_wrapper
