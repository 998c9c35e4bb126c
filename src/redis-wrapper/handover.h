// The planned stop of a master: nothing that was acknowledged may be lost, and writes go on elsewhere soon.
//
//   pause writes -> wait until every replica has them all -> a Sentinel fails over -> the moment a replica is
//   promoted, become its replica -> release the clients, which are told that this is no master any more
//
// Sentinel's failover alone would leave this master writable for some eleven seconds, and lose what is
// written to it meanwhile; Redis' own FAILOVER is not noticed by Sentinel for half a minute.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/time.h"
#include "config/common_options.h"
#include "net/endpoint.h"
#include "redis/sentinel_client.h"
#include "redis/server_info.h"

namespace redis_zk::redis_wrapper {

// Whether a hand-over can begin, as a function of what was looked up.
struct HandOverPlan {
  // Whom Sentinel may promote: all of them have to catch up first, for its own knowledge of who is ahead is
  // up to ten seconds old.
  std::vector<Endpoint> replicas;
  // Sentinels that can be asked, in this order.
  std::vector<Endpoint> sentinels;
  std::string refusal;  // why not; one sentence
};
HandOverPlan PlanHandOver(const redis::ServerInfo& own, const Endpoint& self,
                          const std::vector<redis::SentinelReport>& reports);

class HandOver {
 public:
  struct Outcome {
    bool done = false;
    std::string told;       // one sentence: what was done, or what was not and why
    bool is_master = true;  // a replica has nothing to hand over
  };

  // `bind` is where the server is spoken to, `self` what others know it as. The references must outlive the
  // hand-over.
  HandOver(const CommonOptions& options, const Endpoint& bind, const Endpoint& self);

  // Takes `timeout` at most. `pause(until)` waits a moment while others are looked after, and says whether to
  // go on. Whatever the outcome, the server is to be stopped next; after a failure no write has been accepted
  // that a replica promoted meanwhile lacks.
  Outcome Run(const std::vector<Endpoint>& sentinels, Duration timeout,
              const std::function<bool(TimePoint until)>& pause);

 private:
  Result<redis::Reply> AskOwn(const redis::Command& command) const;
  // Why the replicas did not catch up; empty when they did.
  std::string AwaitReplicas(const std::vector<Endpoint>& replicas, TimePoint deadline,
                            const std::function<bool(TimePoint)>& pause) const;
  // The promoted one, or why there is none.
  tl::expected<Endpoint, std::string> AwaitPromotion(const HandOverPlan& plan, const Endpoint& sentinel,
                                                     TimePoint deadline,
                                                     const std::function<bool(TimePoint)>& pause) const;

  const CommonOptions& options_;
  const Endpoint& bind_;
  const Endpoint& self_;
};

}  // namespace redis_zk::redis_wrapper
