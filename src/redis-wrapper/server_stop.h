// The ends of a redis-server that served: a stop that was asked for, one that it cannot be reached any more,
// and its own. Each returns our exit code.
//
// Loop thread only.
#pragma once

#include <optional>
#include <string>

#include "daemon/server_runner.h"
#include "daemon/wrapper_loop.h"
#include "failover/handover.h"
#include "redis-wrapper/conversion.h"
#include "redis-wrapper/dataset_keeper.h"
#include "redis-wrapper/failover_request.h"
#include "redis-wrapper/lookup.h"
#include "redis-wrapper/membership.h"
#include "redis-wrapper/options.h"
#include "redis/servers.h"

namespace redis_zk::redis_wrapper {

class ServerStop {
 public:
  // The references must outlive this.
  ServerStop(const WrapperOptions& options, const redis::Network& network, daemon::WrapperLoop& loop,
             daemon::ServerRunner& runner, redis::KeptServer& own_server, const Membership& membership,
             const Lookup& lookup, DatasetKeeper& keeper, Conversion& conversion);

  // What the server says, as long as it answers; it may not any more when it is stopped.
  void NoteSeen(const redis::ServerInfo& own) { last_seen_ = own; }

  // The handover before a stop that was asked for, where there is something to hand over: its next step, as
  // failover::Handover::Step. What it has not begun by `until` it leaves.
  std::optional<TimePoint> HandOver(TimePoint until);
  // Of the handover under way: the master still takes writes, and is to be kept as one that does.
  bool writes_go_on() const { return handover_ && handover_->writes_go_on(); }
  bool pauses_writes() const { return handover_ && !handover_->writes_go_on(); }
  int Stop();
  // Its address is gone.
  int EndUnreachable();
  // REQUIRES: it has ended, and we were not asked to stop.
  int ReportEnd();

 private:
  failover::Handover::Terms HandoverTerms(Duration timeout) const;
  // By ZooKeeper, as the master.
  bool IsConfirmed() const;
  // A group of one has nobody to hand over to.
  bool HasOthers();
  // The handover is over.
  void End(const failover::Handover::Outcome& outcome);
  // redis-server waits for replicas that lag before it saves (shutdown-timeout), and may be killed meanwhile.
  void ShortenTheWait();
  // What a server that had to be killed may not have saved.
  void ReportKilled() const;
  void AskForFailover(const std::string& why);

  const WrapperOptions& options_;
  const redis::Network network_;
  daemon::WrapperLoop& loop_;
  daemon::ServerRunner& runner_;
  redis::KeptServer& own_server_;
  const Membership& membership_;
  const Lookup& lookup_;
  DatasetKeeper& keeper_;
  Conversion& conversion_;
  FailoverRequest failover_request_;
  redis::ServerInfo last_seen_;
  // Once a stop was asked for.
  std::optional<failover::Handover::Terms> terms_;
  std::optional<failover::Handover> handover_;
  int stop_requests_ = 0;  // then
};

}  // namespace redis_zk::redis_wrapper
