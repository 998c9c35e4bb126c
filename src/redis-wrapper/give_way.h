// A master that its user does not want to be one, by a replica-priority of 0, hands over as soon as a replica
// that may be promoted has its data.
//
// Loop thread only. What fails is logged and tried again, less and less often.
#pragma once

#include <optional>
#include <string>

#include "base/backoff.h"
#include "base/log.h"
#include "base/time.h"
#include "daemon/reporter.h"
#include "failover/handover.h"
#include "redis-wrapper/lookup.h"
#include "redis-wrapper/membership.h"
#include "redis-wrapper/options.h"
#include "redis/servers.h"
#include "store/registry.h"

namespace redis_zk::redis_wrapper {

class GiveWay {
 public:
  // The references must outlive this.
  GiveWay(const WrapperOptions& options, const redis::Network& network, redis::KeptServer& own_server,
          const Membership& membership, const Lookup& lookup, store::Registry& registry,
          daemon::Reporter& reporter);

  // Call with each look at the own server: begins a handover where one is due.
  void Check(const redis::ServerInfo& own);
  // Goes on with it. Nothing: none is under way. Otherwise the time at which to call it again.
  std::optional<TimePoint> Step();
  // Ends it, for this reason, where that can be done; Step until it is over.
  void Interrupt(const std::string& why);
  bool pauses_writes() const { return handover_ && !handover_->writes_go_on(); }

 private:
  struct Successors {
    std::optional<Endpoint> best{};  // nothing: there is none
    bool others = false;             // Sentinel could choose a replica that is none
    std::string unfit{};             // which of them, and what it lacks
  };

  bool IsDue(const redis::ServerInfo& own);
  // Registered members that may be promoted and hold all that `own` told.
  Successors FindSuccessors(const redis::ServerInfo& own);
  bool IsMember(const Endpoint& replica) const;
  // By an operator's CONFIG SET the priority of the file is not in force.
  bool PriorityIsInForce();
  // That nothing is done although there is a replica that may be promoted.
  void TellUnfit(const Successors& found);
  void TellOutcome(const failover::Handover::Outcome& outcome);

  const WrapperOptions& options_;
  const redis::Network network_;
  redis::KeptServer& own_server_;
  const Membership& membership_;
  const Lookup& lookup_;
  store::Registry& registry_;
  daemon::Reporter& reporter_;
  TimePoint look_at_{};
  Backoff backoff_;
  std::optional<failover::Handover::Terms> terms_;
  std::optional<failover::Handover> handover_;
  LogOnChange log_failure_;
  std::optional<TimePoint> unfit_since_;
};

}  // namespace redis_zk::redis_wrapper
