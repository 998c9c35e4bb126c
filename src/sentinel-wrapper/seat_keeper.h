// Takes a seat in ZooKeeper and holds it through the sessions.
//
// Loop thread only. While ZooKeeper is away nothing is lost: the seat is taken again in the next session,
// unless somebody else was quicker.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/time.h"
#include "daemon/wrapper_loop.h"
#include "registry/record.h"
#include "sentinel-wrapper/options.h"
#include "sentinel-wrapper/seat.h"

namespace redis_zk::sentinel_wrapper {

class SeatKeeper {
 public:
  // Both must outlive the keeper.
  SeatKeeper(daemon::WrapperLoop& loop, const WrapperOptions& options);

  // Waits for a seat and sits down. False: a signal asked us to stop.
  bool Sit(std::uint64_t record_epoch);

  // The one that was taken last.
  const registry::Seat& seat() const { return seat_; }

  enum class Hold {
    kHeld,
    kEcho,    // an earlier session of our own still has it, and will end in a moment
    kUnsure,  // ZooKeeper has not said yet
    kLost,    // somebody else sits there: their Sentinel runs with our id
  };
  // Takes the seat again after a new session.
  Hold Keep();

  // What our Sentinel says the epoch is; written down when it has grown.
  void NoteEpoch(std::uint64_t epoch);

 private:
  // True: seated. An error is worth another try.
  Result<bool> TrySit(std::uint64_t record_epoch, TimePoint patience);
  std::vector<SeatSeen> LookAt(const std::vector<registry::Seat>& seats) const;
  Status Take(const SeatChoice& choice, std::uint64_t epoch);

  daemon::WrapperLoop& loop_;
  const WrapperOptions& options_;
  LogOnChange log_problem_;
  registry::Seat seat_;
  std::int64_t session_ = 0;  // in which it was taken
};

}  // namespace redis_zk::sentinel_wrapper
