// Finds the role of a node that starts: looks, decides, under the group's lock where that is needed, and
// waits as long as the role is uncertain.
//
// Loop thread only.
#pragma once

#include <optional>
#include <string>

#include "base/time.h"
#include "daemon/address_claim.h"
#include "daemon/waiting.h"
#include "daemon/wrapper_loop.h"
#include "redis-wrapper/bootstrap.h"
#include "redis-wrapper/dataset_keeper.h"
#include "redis-wrapper/failover_request.h"
#include "redis-wrapper/former_owner.h"
#include "redis-wrapper/lookup.h"
#include "redis-wrapper/options.h"
#include "store/record.h"
#include "zookeeper/lock.h"

namespace redis_zk::redis_wrapper {

// A step of the start: its outcome, or the exit code with which the process is to end.
template <class T>
using OrExit = tl::expected<T, int>;

class Settling {
 public:
  // `self` is what this node registers as. The references must outlive this.
  Settling(const WrapperOptions& options, const redis::Network& network, daemon::WrapperLoop& loop,
           daemon::AddressClaim& address_claim, DatasetKeeper& keeper, Lookup& lookup, zookeeper::Lock& lock,
           store::Member& self);

  // Waits until the role is certain. The lock is held where the decision needs it.
  OrExit<Decision> Settle();
  // As read last.
  const store::Record& record() const { return record_; }

 private:
  // One look at everything; nothing while the role is uncertain.
  Result<std::optional<Decision>> TrySettle();
  // Says in ZooKeeper that this node is there, with what data.
  Status Register();
  Result<Decision> LookAndDecide(bool locked);
  // Counts how long data are waited for that may come back.
  void CountWait(const Decision& decision);
  // Takes one step towards the lock, and looks again once it is held; nothing while another node holds it.
  Result<std::optional<Decision>> DecideUnderLock();
  // Gives the lock back, and does what a wait asks for.
  Status Wait(const Decision& decision);

  const WrapperOptions& options_;
  daemon::WrapperLoop& loop_;
  daemon::AddressClaim& address_claim_;
  DatasetKeeper& keeper_;
  Lookup& lookup_;
  zookeeper::Lock& lock_;
  store::Member& self_;
  FailoverRequest failover_request_;
  FormerOwner former_owner_;
  // What the start waits for.
  daemon::Wait wait_;
  // Since when it waits for data that may come back, and how long it had done so before, with interruptions.
  std::optional<TimePoint> awaiting_since_;
  Duration awaited_{};
  // Since when ZooKeeper has answered every look.
  std::optional<TimePoint> answered_since_;
  store::Record record_;
  bool reviewed_ = false;  // how earlier starts came out
};

}  // namespace redis_zk::redis_wrapper
