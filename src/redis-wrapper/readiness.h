// Tells health checks how a serving server is, and whether it is ready: it was master once, or had all the
// data of one and was known to the Sentinels. What it loses later is no reason to kill it, but a wait.
//
// Loop thread only.
#pragma once

#include <optional>
#include <string>

#include "daemon/health.h"
#include "daemon/waiting.h"
#include "redis-wrapper/lookup.h"
#include "redis-wrapper/promotable_keeper.h"
#include "redis/servers.h"

namespace redis_zk::redis_wrapper {

class Readiness {
 public:
  // The references must outlive this.
  Readiness(const std::string& group, const Endpoint& self, const redis::Network& network,
            const Lookup& lookup, const PromotableKeeper& promotable, daemon::HealthFile& health);

  // Call with each answer of the own server, which PromotableKeeper has seen.
  void Say(const Result<redis::ServerInfo>& own);
  // What keeps it from its work, as said last; nothing: nothing does.
  const std::optional<daemon::Wait>& wait() const { return wait_; }

 private:
  void SayReplica(const redis::ServerInfo& own);
  // What a replica lacks to be ready; nothing: it is.
  std::optional<daemon::Wait> FindMissing(const redis::ServerInfo& own) const;

  const std::string& group_;
  const Endpoint& self_;
  const redis::Network network_;
  const Lookup& lookup_;
  const PromotableKeeper& promotable_;
  daemon::HealthFile& health_;
  bool ready_ = false;
  std::optional<daemon::Wait> wait_;
};

}  // namespace redis_zk::redis_wrapper
