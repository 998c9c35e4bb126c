// The life of a redis-server that serves, until its end: the membership, the link to the right master, what
// is known of its data, the fence, and the stop.
//
// Loop thread only. Nothing that fails here ends the server: it is logged and tried again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/log.h"
#include "daemon/address_claim.h"
#include "daemon/wrapper_loop.h"
#include "redis-wrapper/conversion.h"
#include "redis-wrapper/dataset_keeper.h"
#include "redis-wrapper/failover_request.h"
#include "redis-wrapper/late_clients.h"
#include "redis-wrapper/lookup.h"
#include "redis-wrapper/options.h"
#include "redis-wrapper/promotable.h"
#include "redis-wrapper/write_fence.h"
#include "redis/servers.h"
#include "zookeeper/lock.h"

namespace redis_zk::redis_wrapper {

class Serving {
 public:
  // `self` is registered already; `record` was read last. The references must outlive this.
  Serving(const WrapperOptions& options, const redis::Network& network, daemon::WrapperLoop& loop,
          daemon::AddressClaim& address_claim, redis::KeptServer& own_server, zookeeper::Lock& lock,
          Lookup& lookup, DatasetKeeper& keeper, store::Member self, store::Record record);

  // Returns the process's exit code.
  int Run();

 private:
  // Reads again what is followed, with its watches, and renews the membership in a new session.
  // Whether the record names another master than before.
  bool Refresh();
  Status TryRefresh();
  // The registration is to be said anew: in another session, or since its time has come.
  bool RegistrationDue() const;
  // Once a second; more often while the name of the data is new, or nothing confirms this master.
  void Check();
  void Redirect(const redis::ServerInfo& own);
  void DisconnectLateClients(const redis::ServerInfo& own);
  void DisconnectClients();
  // Sets the replica-priority by whether there is a complete copy, and tells ZooKeeper.
  void KeepPromotable(const redis::ServerInfo& own, bool reachable);
  // Whether the recorded master's data are of this group; says so where they are not.
  bool IsOurs(const Endpoint& master, const redis::ServerInfo& info, const redis::ServerInfo& own);
  void SayHealth(const Result<redis::ServerInfo>& own);
  // What a replica lacks to be ready; nothing: it is.
  std::optional<std::string> FindMissing(const redis::ServerInfo& own) const;
  // Whether a registered Sentinel names `master`, too.
  bool SentinelsConfirm(const Endpoint& master) const;
  // By the record, as last read.
  bool IsRecorded() const;
  bool Leads(const redis::ServerInfo& own) const;
  bool ZooKeeperAnswers() const;
  void AskForFailover(const std::string& why);
  // The ends: each returns the exit code.
  int Stop();
  int StopServer();
  // redis-server waits for replicas that lag before it saves (shutdown-timeout), and may be killed meanwhile.
  void ShortenTheWait();
  // What a server that had to be killed may not have saved.
  void ReportKilled(const redis::ServerInfo& own);
  int EndUnreachable();
  int ReportEnd();

  const WrapperOptions& options_;
  const redis::Network network_;
  daemon::WrapperLoop& loop_;
  daemon::AddressClaim& address_claim_;
  redis::KeptServer& own_server_;
  zookeeper::Lock& lock_;
  Lookup& lookup_;
  DatasetKeeper& keeper_;
  store::Member self_;
  // As last read; it serves while ZooKeeper is away.
  store::Record record_;
  // The record named this node since it became master.
  bool has_led_ = false;
  // It was master, or had all the data of one and was known to the Sentinels.
  bool ready_ = false;
  CopySeen copy_;
  PriorityRule priority_;
  // It holds no complete copy, or has lost its link and may be about to give its copy up: look again soon.
  bool unsteady_ = true;
  bool registration_changed_ = false;
  // Of the data, as last seen, and until when all of the group may still be learning it.
  std::string replication_id_;
  TimePoint settled_at_{};
  // The session in which everything was registered and read.
  std::int64_t refreshed_session_ = 0;
  TimePoint refresh_at_{};
  LogOnChange log_refresh_;
  LogOnChange log_redirect_;
  LogOnChange log_priority_;
  LateClients late_clients_;
  FailoverRequest failover_request_;
  // What the server said last; it may not answer any more when it is stopped.
  redis::ServerInfo last_seen_;
  WriteFence fence_;
  Conversion conversion_;
};

}  // namespace redis_zk::redis_wrapper
