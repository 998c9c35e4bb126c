// Takes an identity in ZooKeeper and holds it through the sessions.
//
// Loop thread only. While ZooKeeper is away nothing is lost: the identity is taken again in the next session,
// unless another Sentinel was quicker.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/time.h"
#include "daemon/wrapper_loop.h"
#include "redis/servers.h"
#include "sentinel-wrapper/identity.h"
#include "sentinel-wrapper/options.h"
#include "store/record.h"

namespace redis_zk::sentinel_wrapper {

class IdentityKeeper {
 public:
  // The references must outlive the keeper.
  IdentityKeeper(daemon::WrapperLoop& loop, const WrapperOptions& options, const redis::Network& network);

  // Waits for an identity and takes it. False: a signal asked us to stop.
  bool Acquire(std::uint64_t record_epoch);

  // The one that was taken last.
  const store::Identity& identity() const { return identity_; }

  enum class Hold {
    kHeld,
    kEcho,    // an earlier session of our own still has it, and will end in a moment
    kUnsure,  // ZooKeeper has not said yet
    kLost,    // another Sentinel has it, and runs with our id
  };
  // Takes the identity again after a new session.
  Hold Keep();

  // What our Sentinel says the epoch is; written down when it has grown.
  void NoteEpoch(std::uint64_t epoch);

 private:
  // True: acquired. An error is worth another try.
  Result<bool> TryAcquire(std::uint64_t record_epoch, TimePoint patience);
  std::vector<IdentitySeen> LookAt(const std::vector<store::Identity>& identities) const;
  Status Take(const IdentityChoice& choice, std::uint64_t epoch);
  Status TakeAttempted();

  daemon::WrapperLoop& loop_;
  const WrapperOptions& options_;
  const redis::Network network_;
  LogOnChange log_problem_;
  // Tried and neither taken nor refused: a request whose answer was lost may take it yet.
  struct Attempt {
    store::Identity identity;
    IdentityChoice choice;
    std::int64_t session;
  };
  std::optional<Attempt> attempt_;
  store::Identity identity_;
  std::int64_t session_ = 0;  // in which it was taken
};

}  // namespace redis_zk::sentinel_wrapper
