// How far the replicas are behind the master that is handed over from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "failover/old_master.h"
#include "net/endpoint.h"
#include "redis/servers.h"

namespace redis_zk::failover {

// Every one of `replicas` has to come as close as `slack` bytes; those that leave meanwhile are not waited
// for, unless it is the preferred one.
class CatchUp {
 public:
  CatchUp(std::vector<Endpoint> replicas, std::optional<Endpoint> preferred, std::int64_t slack)
      : replicas_(std::move(replicas)), preferred_(std::move(preferred)), slack_(slack) {}

  struct Seen {
    bool arrived = false;
    bool hopeless = false;         // to wait is pointless
    std::string replication_id{};  // of the master's data
    std::int64_t offset{};         // of them; once arrived, with a slack of 0, every replica's
    std::string why{};             // one sentence, unless arrived
  };
  Seen Look(const OldMaster& master, redis::Servers& servers);

 private:
  std::vector<Endpoint> replicas_;
  std::optional<Endpoint> preferred_;
  std::int64_t slack_;
  // What the master had written at the first look. Every replica has to come beyond it: one that is near by
  // and stands still would not arrive within a pause.
  std::optional<std::int64_t> beginning_;
};

}  // namespace redis_zk::failover
