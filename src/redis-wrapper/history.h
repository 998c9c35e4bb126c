// Which of two datasets is the newer one, and how a group's history goes on: functions of values.
//
// Redis names a dataset's history by its replication id. A promotion begins a new one, and so does a restart
// from an append-only file; within one id, offsets tell who is ahead. The group's history in ZooKeeper lists
// the ids in order, so that datasets stay comparable when no node lives that remembers.
#pragma once

#include "redis/server_info.h"
#include "store/record.h"

namespace redis_zk::redis_wrapper {

enum class Order {
  kOlder,
  kSame,
  kNewer,
  kUnrelated,  // of different origin: neither contains the other
};

// What `one` is, seen from `other`. Neither may be empty.
Order Compare(const store::Dataset& one, const store::Dataset& other, const store::History& history);

// The history when `master` serves, whose data were called `loaded_id` when it started (empty: there were
// none, or they had no name).
store::History Continue(store::History history, const redis::ServerInfo& master,
                        const std::string& loaded_id);

}  // namespace redis_zk::redis_wrapper
