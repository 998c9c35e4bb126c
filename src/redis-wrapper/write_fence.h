// Carries out what the fence says: asks the confirmations, makes the server refuse writes, and accept them
// again.
//
// Refusing is Redis' own min-replicas-to-write, set to more replicas than anybody has: clients get an error
// at once, reads go on, and the user's setting comes back afterwards. Loop thread only.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/log.h"
#include "redis-wrapper/fence.h"
#include "redis-wrapper/options.h"
#include "redis/servers.h"
#include "sentinel/reports.h"

namespace redis_zk::redis_wrapper {

class WriteFence {
 public:
  // The references must outlive the fence.
  WriteFence(const WrapperOptions& options, const redis::Network& network, redis::KeptServer& server);

  // What it says now.
  struct ZooKeeperSays {
    bool confirms = false;          // as Confirmations::zookeeper
    std::uint64_t newer_epoch = 0;  // as in PeersView
  };
  // Call about once a second with what the own server says. The others are asked only when ZooKeeper does not
  // confirm: those that were registered last, and those that have been attached to the server since.
  void Check(const redis::ServerInfo& own, const ZooKeeperSays& zookeeper,
             const std::vector<sentinel::Peer>& sentinels, const std::vector<Endpoint>& replicas);

  bool alone() const { return fence_.alone(); }
  // Or may be: an order whose answer was lost may have been carried out.
  bool raised() const { return fence_.may_be_raised(); }

 private:
  Confirmations AskForConfirmation(const redis::ServerInfo& own, const ZooKeeperSays& zookeeper,
                                   const std::vector<sentinel::Peer>& sentinels,
                                   const std::vector<Endpoint>& registered);
  Result<std::vector<redis::Reply>> AskOwn(const std::vector<redis::Command>& commands);
  // A raise that was not ours to see: found up although it was never ordered, or lowered before it arrived.
  void FindLeftover(const redis::ServerInfo& own);
  Status Raise();
  Status Lower();

  const WrapperOptions& options_;
  const redis::Network network_;
  redis::KeptServer& server_;
  Fence fence_;
  struct UserSettings {
    std::string min_replicas;
    std::string max_lag;
  };
  // Were attached when ZooKeeper confirmed this master last; who of them is not registered is none of the
  // group.
  std::set<Endpoint> attached_;
  // Have joined since ZooKeeper confirmed this master last: as far as it can read they are not registered,
  // and they could be promoted all the same. Who has never answered as its replica does not count.
  std::set<Endpoint> joined_;
  UserSettings users_{"0", "10"};  // as they were before the fence was raised; Redis' own before that
  LogOnChange log_problem_;
};

}  // namespace redis_zk::redis_wrapper
