// What a Sentinel is told about its groups before it starts: what it could otherwise learn from living
// masters only. A function of values.
//
// A fresh Sentinel asks the master for the replicas and meets its peers through them. Where the master is
// dead already it would know nobody and promote nobody, for ever.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "net/endpoint.h"
#include "redis/sentinel_client.h"
#include "registry/record.h"

namespace redis_zk::sentinel_wrapper {

struct Monitoring {
  struct Group {
    std::string name;
    Endpoint master;
    std::uint64_t config_epoch = 0;  // of the configuration in which `master` is the master
    std::vector<Endpoint> replicas;

    bool operator==(const Group&) const = default;
  };
  std::string sentinel_id;  // 40 hexadecimal digits
  std::uint64_t epoch = 0;  // the fleet's highest
  std::vector<Group> groups;
  std::vector<redis::Peer> peers;  // they monitor the same groups
};

// What ZooKeeper says.
struct Fleet {
  struct Group {
    std::string name;
    registry::Record record;                // names a master
    std::vector<registry::Member> members;  // registered
  };
  std::vector<Group> groups;
  std::vector<registry::Seat> seats;
  std::vector<registry::Sentinel> sentinels;  // registered
};

// The registered Sentinels that are not ours, and their ids. Those without a seat are left out, since nobody
// knows their id: they will make themselves known. No endpoint and no id stands twice.
std::vector<redis::Peer> PeersOf(const registry::Seat& seat, const std::vector<registry::Seat>& seats,
                                 const std::vector<registry::Sentinel>& sentinels);

// `seat` is ours. Sentinel refuses a file in which an endpoint or an id stands twice.
Monitoring MonitoringOf(const registry::Seat& seat, const Fleet& fleet);

}  // namespace redis_zk::sentinel_wrapper
