// The start of a redis-wrapper: connect, register, decide, launch, record. What follows is in serving.h.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "daemon/address_claim.h"
#include "daemon/connections.h"
#include "daemon/wrapper_loop.h"
#include "os/signals.h"
#include "redis-wrapper/bootstrap.h"
#include "redis-wrapper/dataset_keeper.h"
#include "redis-wrapper/failover_request.h"
#include "redis-wrapper/lookup.h"
#include "redis-wrapper/options.h"
#include "redis/servers.h"
#include "zookeeper/lock.h"

namespace redis_zk::redis_wrapper {

// A step of the start: its outcome, or the exit code with which the process is to end.
template <class T>
using OrExit = tl::expected<T, int>;

class Wrapper {
 public:
  // Options and signals must outlive the wrapper.
  Wrapper(const WrapperOptions& options, const BlockedSignals& signals,
          const daemon::Connections& connections);

  // Returns the process's exit code.
  int Run();

 private:
  // Takes the data directory for this wrapper and its server. An exit code when somebody else keeps it.
  std::optional<int> ClaimData();
  // Says in ZooKeeper that this node is there, with what data, and whether it serves.
  Status Register(bool serving);
  // Waits until the role is certain.
  OrExit<Decision> Settle();
  // One look at everything; nothing while the role is uncertain.
  Result<std::optional<Decision>> TrySettle();
  Result<Decision> LookAndDecide(bool locked);
  // Takes one step towards the lock, and looks again once it is held; nothing while somebody else holds it.
  Result<std::optional<Decision>> DecideUnderLock();
  // Launches in the decided role and records it. True: serving; false: start over.
  OrExit<bool> Enter(const Decision& decision);
  // What the server is to load, and what Redis would load in its stead. An exit code when that is unclear.
  std::optional<int> CheckData();
  Result<daemon::WrapperLoop::Answer> Probe(const Decision& decision);
  // Under the lock the record is made to say what was decided; then the lock goes to the next.
  Status RecordDecision(const Decision& decision);
  void AddToEventLog(const Decision& decision);

  const WrapperOptions& options_;
  const redis::Network network_;
  daemon::WrapperLoop loop_;
  daemon::AddressClaim address_claim_;
  const std::unique_ptr<redis::KeptServer> own_server_;
  DatasetKeeper keeper_;
  Lookup lookup_;
  store::Member self_;
  zookeeper::Lock lock_;
  FailoverRequest failover_request_;
  LogOnChange log_data_;
  // Why the start waits; logged when it changes.
  std::string waiting_for_ = "ZooKeeper";
  log::Severity waiting_severity_ = log::Severity::kInfo;
  // When it began to wait for data that may come back.
  std::optional<TimePoint> awaiting_since_;
  store::Record record_;  // as read last
};

}  // namespace redis_zk::redis_wrapper
