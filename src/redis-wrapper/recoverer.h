// Carries out what recovery decides: looks at everything, takes the group's lock, looks again, records this
// node, and promotes its server.
//
// The record comes first: of a server that ZooKeeper does not name no daemon may say that it is the master,
// and one that is named and dies before its promotion is recovered from like any other.
//
// Loop thread only; a look takes as long as the slowest answer, half a second at most for those who do not
// give one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "daemon/waiting.h"
#include "redis-wrapper/lookup.h"
#include "redis-wrapper/options.h"
#include "redis-wrapper/recovery.h"
#include "redis/servers.h"
#include "store/pause.h"
#include "store/registry.h"
#include "zookeeper/lock.h"
#include "zookeeper/session.h"

namespace redis_zk::redis_wrapper {

class Recoverer {
 public:
  // The references must outlive this.
  Recoverer(const WrapperOptions& options, const redis::Network& network, zookeeper::Session& session,
            store::Registry& registry, Lookup& lookup, zookeeper::Lock& lock, redis::KeptServer& own_server);

  // Call with every look at the own server. `holds_copy` as in RecoveryView; `is_recorded` as the master, as
  // last read; `pause`: nothing is to be recovered before it ends. This node has just become the master where
  // it returns something: the record that says so.
  std::optional<store::Record> Check(const redis::ServerInfo& own, bool holds_copy, bool is_recorded,
                                     const store::Pause* pause);

  // What it waits for; nothing: there is nothing to recover. Its beginning is logged.
  const std::optional<daemon::Wait>& wait() const { return wait_; }

 private:
  Result<RecoveryView> Look(const redis::ServerInfo& own, bool holds_copy);
  Status AskPeers(RecoveryView& view);
  void AskVotes(RecoveryView& view) const;
  // An error is worth another look. What is to be promoted is recorded.
  Result<RecoveryDecision> DecideUnderLock(bool holds_copy);
  // REQUIRES: the lock is held.
  Result<RecoveryDecision> LookAgain(bool holds_copy);
  // Whether the server takes the command that will promote it: what cannot come true is not recorded.
  Status TryOut(const redis::ServerInfo& own);
  Status Record(const RecoveryView& view, const RecoveryDecision& decision);
  Status Promote(const RecoveryDecision& decision, redis::Role role);
  void Say(const RecoveryDecision& decision);

  const WrapperOptions& options_;
  const redis::Network network_;
  zookeeper::Session& session_;
  store::Registry& registry_;
  Lookup& lookup_;
  zookeeper::Lock& lock_;
  redis::KeptServer& own_server_;
  Quiet quiet_;
  std::optional<TimePoint> begun_at_;  // there is no master since then
  TimePoint look_at_{};
  // A record of ours that our server may not have followed yet.
  struct Owed {
    Endpoint from;  // the master whose place it takes
    std::uint64_t epoch;
  };
  std::optional<Owed> owed_;
  LogOnChange log_decision_;
  std::optional<daemon::Wait> wait_;
};

}  // namespace redis_zk::redis_wrapper
