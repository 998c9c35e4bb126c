// Keeps a server promotable only while it holds a complete copy of its group's data: by its replica-priority,
// which Sentinels read, and by its registration.
//
// Loop thread only. What fails is logged and tried again.
#pragma once

#include <cstdint>

#include "base/log.h"
#include "redis-wrapper/membership.h"
#include "redis-wrapper/promotable.h"
#include "redis/servers.h"

namespace redis_zk::redis_wrapper {

class PromotableKeeper {
 public:
  // `users_priority` stands in the user's file; `loads_offset`: the server may know a replication offset from
  // what it loaded. The references must outlive this.
  PromotableKeeper(std::int64_t users_priority, bool loads_offset, redis::KeptServer& own_server,
                   Membership& membership);

  // Call with each look at the own server. `ours`: what it holds are the group's data. `reachable`: so is
  // ZooKeeper.
  void Keep(const redis::ServerInfo& own, bool ours, bool reachable);

  // REQUIRES: Keep has seen it.
  bool HoldsCopy(const redis::ServerInfo& own) const { return ours_ && redis_wrapper::HoldsCopy(copy_, own); }
  // It holds no complete copy, or has lost its link and may be about to give its copy up: look again soon.
  bool unsteady() const { return unsteady_; }
  std::int64_t users_priority() const { return priority_.users(); }

 private:
  void SetPriority(std::int64_t priority, bool complete, const redis::ServerInfo& own);

  redis::KeptServer& own_server_;
  Membership& membership_;
  CopySeen copy_;
  bool ours_ = true;
  PriorityRule priority_;
  bool unsteady_ = true;
  LogOnChange log_failure_;
};

}  // namespace redis_zk::redis_wrapper
