// The life of a redis-wrapper: connect, register, decide, launch, record, supervise.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/signals.h"
#include "daemon/wrapper_loop.h"
#include "redis-wrapper/bootstrap.h"
#include "redis-wrapper/options.h"
#include "registry/record.h"
#include "zookeeper/lock.h"

namespace redis_zk::redis_wrapper {

// A step of the start: its outcome, or the exit code with which the process is to end.
template <class T>
using OrExit = tl::expected<T, int>;

class Wrapper {
 public:
  // Both must outlive the wrapper.
  Wrapper(const WrapperOptions& options, const BlockedSignals& signals);

  // Returns the process's exit code.
  int Run();

 private:
  Status RegisterMember();
  Result<View> Look(bool locked);
  // Waits until the role is certain.
  OrExit<Decision> Settle();
  // One look at everything; nothing while the role is uncertain.
  Result<std::optional<Decision>> TrySettle();
  // Takes one step towards the lock, and looks again once it is held; nothing while somebody else holds it.
  Result<std::optional<Decision>> DecideUnderLock();
  // Launches in the decided role and records it. True: serving; false: start over.
  OrExit<bool> Enter(const Decision& decision);
  Result<daemon::WrapperLoop::Answer> Probe(const Decision& decision) const;
  Status RecordDecision(const Decision& decision);
  int Supervise();
  void KeepRegistered();
  void CheckReplication();
  void RequestFailover(const std::string& why);

  const WrapperOptions& options_;
  daemon::WrapperLoop loop_;
  registry::Member self_;
  zookeeper::Lock lock_;
  // Why the start waits; logged when it changes.
  std::string waiting_for_ = "ZooKeeper";
  LogOnChange log_waiting_;
  // As last read; they serve while ZooKeeper is away.
  registry::Record record_;
  std::vector<Endpoint> sentinels_;
  std::int64_t registered_session_ = 0;
  TimePoint failover_asked_at_{};
};

}  // namespace redis_zk::redis_wrapper
