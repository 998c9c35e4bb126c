// Which role a Redis that is about to start takes: a function of what was looked up, and nothing else.
//
// The rule behind every row: nobody serves as master on its own word. A living master that ZooKeeper or a
// majority of the Sentinels names is followed; a node becomes master only under the group's lock, and only
// when no living member of the group holds data that it would overwrite.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "net/endpoint.h"
#include "redis/sentinel_client.h"
#include "redis/server_info.h"
#include "registry/record.h"

namespace redis_zk::redis_wrapper {

// What was found. `locked` says whether it was looked up while the group's lock was held.
struct View {
  Endpoint self;
  registry::Record record;
  // The master that more than half of the registered Sentinels name.
  std::optional<redis::MajorityMaster> sentinels_say;
  std::size_t sentinels_answering = 0;
  // Every other Redis of the group that was asked and answered: the recorded master, the one that the
  // Sentinels name, the registered members.
  std::map<Endpoint, redis::ServerInfo> living;
  bool locked = false;
};

struct Decision {
  enum class Action {
    kServeAsMaster,
    kFollow,  // be a replica of `master`
    kWait,    // look again when something changes
  };
  Action action = Action::kWait;
  Endpoint master;            // kFollow
  bool needs_lock = false;    // only valid when view.locked; else take the lock and look again
  bool ask_failover = false;  // kWait: a Sentinel should promote one of the replicas now
  std::string reason;         // one sentence, for the log and the record
};

Decision Decide(const View& view);

}  // namespace redis_zk::redis_wrapper
