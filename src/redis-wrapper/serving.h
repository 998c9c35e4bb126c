// The life of a redis-server that serves, until its end: puts the server's answers, ZooKeeper's news and the
// signals before those that keep it registered, promotable, at the right master, fenced, and its data known.
//
// Loop thread only. Nothing that fails here ends the server: it is logged and tried again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"
#include "daemon/address_claim.h"
#include "daemon/server_passwords.h"
#include "daemon/server_runner.h"
#include "daemon/wrapper_loop.h"
#include "redis-wrapper/conversion.h"
#include "redis-wrapper/copy_guard.h"
#include "redis-wrapper/dataset_keeper.h"
#include "redis-wrapper/failed_save.h"
#include "redis-wrapper/give_way.h"
#include "redis-wrapper/lookup.h"
#include "redis-wrapper/master_follower.h"
#include "redis-wrapper/membership.h"
#include "redis-wrapper/options.h"
#include "redis-wrapper/promotable_keeper.h"
#include "redis-wrapper/readiness.h"
#include "redis-wrapper/recoverer.h"
#include "redis-wrapper/server_certificates.h"
#include "redis-wrapper/server_stop.h"
#include "redis-wrapper/write_fence.h"
#include "redis/conf_file.h"
#include "redis/servers.h"
#include "zookeeper/lock.h"

namespace redis_zk::redis_wrapper {

class Serving {
 public:
  // What the wrapper's start has made, and this goes on with. All of it must outlive this.
  struct Parts {
    const WrapperOptions& options;
    const redis::Conf& users_conf;
    redis::Network network;
    daemon::WrapperLoop& loop;
    daemon::ServerRunner& runner;
    daemon::AddressClaim& address_claim;
    redis::KeptServer& own_server;
    daemon::ServerPasswords& passwords;
    zookeeper::Lock& lock;
    Lookup& lookup;
    DatasetKeeper& keeper;
    CopyGuard::Launch launch;
  };

  // `self` is registered already; `record` was read last.
  Serving(const Parts& parts, store::Member self, store::Record record);

  // Returns the process's exit code.
  int Run();

 private:
  // One turn of the loop, in which nothing delays clients that wait.
  void Pump(TimePoint until);
  // Once a second; more often while the name of the data is new, or nothing confirms this master.
  void Check();
  void KeepFenced(const redis::ServerInfo& own);
  // This node has just been recorded as the master; nothing: it has not.
  void NoteRecorded(std::optional<store::Record> record);
  // A server that hangs does not serve: while its registration says that it does, no replica recovers.
  void TellServing(bool answers, bool reachable);
  // Until the handover is over; while it takes its time, the master is kept one that may take writes.
  int StopOnRequest();
  // Of a handover that the stop was not the reason for. False: it has to be left as it is, and with it any
  // other: after HANDOVER_TIMEOUT, at one more request to stop, or since the server has ended.
  bool EndGiveWay(TimePoint until);

  const Parts parts_;
  Membership membership_;
  PromotableKeeper promotable_;
  MasterFollower follower_;
  Recoverer recoverer_;
  Readiness readiness_;
  WriteFence fence_;
  GiveWay give_way_;
  ServerCertificates certificates_;
  Conversion conversion_;
  FailedSave failed_save_;
  ServerStop stop_;
  // What the data are called, as last seen, and until when all of the group may still be learning it.
  struct Naming {
    std::string replication_id;
    TimePoint settled_at{};
  };
  Naming naming_;
  // When the server was seen so last, and what it held then.
  struct Seen {
    store::Dataset holding;
    std::optional<TimePoint> replica_at{};
    TimePoint answering_at = Clock::now();
  };
  Seen seen_;
};

}  // namespace redis_zk::redis_wrapper
