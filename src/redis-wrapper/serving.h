// The life of a redis-server that serves, until its end: the membership, the link to the right master, what
// is known of its data, the fence, and the stop.
//
// Loop thread only. Nothing that fails here ends the server: it is logged and tried again.
#pragma once

#include <cstdint>

#include "base/log.h"
#include "daemon/wrapper_loop.h"
#include "redis-wrapper/dataset_keeper.h"
#include "redis-wrapper/failover_request.h"
#include "redis-wrapper/lookup.h"
#include "redis-wrapper/options.h"
#include "redis-wrapper/write_fence.h"
#include "zookeeper/lock.h"

namespace redis_zk::redis_wrapper {

class Serving {
 public:
  // `self` is registered already; `record` was read last. The references must outlive this.
  Serving(const WrapperOptions& options, daemon::WrapperLoop& loop, zookeeper::Lock& lock, Lookup& lookup,
          DatasetKeeper& keeper, registry::Member self, registry::Record record);

  // Returns the process's exit code.
  int Run();

 private:
  // Reads again what is followed, with its watches, and renews the membership in a new session.
  // Whether the record names another master than before.
  bool Refresh();
  Status TryRefresh();
  // The registration is to be said anew: in another session, or since its time has come.
  bool RegistrationDue() const;
  // Once a second; more often while the name of the data is new, or nobody vouches for this master.
  void Check();
  void Redirect(const redis::ServerInfo& own);
  // Whether the recorded master's data are of this group; says so where they are not.
  bool IsOurs(const Endpoint& master, const redis::ServerInfo& info, const redis::ServerInfo& own);
  void SayHealth(const Result<redis::ServerInfo>& own);
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
  int EndUnreachable();
  int ReportEnd();

  const WrapperOptions& options_;
  daemon::WrapperLoop& loop_;
  zookeeper::Lock& lock_;
  Lookup& lookup_;
  DatasetKeeper& keeper_;
  const registry::Member self_;
  // As last read; it serves while ZooKeeper is away.
  registry::Record record_;
  // The record named this node since it became master.
  bool has_led_ = false;
  // It was master, or had all the data of one.
  bool ready_ = false;
  // Of the data, as last seen, and until when all of the group may still be learning it.
  std::string replication_id_;
  TimePoint settled_at_{};
  // The session in which everything was registered and read.
  std::int64_t refreshed_session_ = 0;
  TimePoint refresh_at_{};
  LogOnChange log_refresh_;
  LogOnChange log_redirect_;
  FailoverRequest failover_request_;
  WriteFence fence_;
};

}  // namespace redis_zk::redis_wrapper
