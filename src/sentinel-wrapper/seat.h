// Which identity a Sentinel runs with, as functions of values.
//
// A seat is what peers know a Sentinel by: its id (sentinel myid). A replacement that takes over the seat of
// one that is gone is no stranger: its peers note a new address and count no ghost, whose missing vote would
// in the end block every election.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net/endpoint.h"
#include "registry/record.h"

namespace redis_zk::sentinel_wrapper {

struct SeatSeen {
  registry::Seat seat;
  // A Sentinel with this seat's id answers at its endpoint, whatever ZooKeeper says: its session may have
  // been lost, or its wrapper been killed a moment ago.
  bool answers = false;
};

struct SeatChoice {
  enum class Kind {
    kTake,  // `seat`
    kWait,  // for `seat`, which may become free in a moment
    kNew,
  };
  Kind kind = Kind::kNew;
  registry::Seat seat;  // as it was seen; empty for kNew
  std::string reason;   // one sentence
};

// The first by uuid of: the seat whose last endpoint is ours, a free one, a new one. A seat whose session has
// not ended although its Sentinel is gone is worth a wait, until `may_wait` is false: then it is another's.
SeatChoice ChooseSeat(const std::vector<SeatSeen>& seats, const Endpoint& own, bool may_wait);

// Whether somebody else sits on the seat that we held: it is taken, for another endpoint than ours. One that
// is taken for ours belongs to an earlier session of our own and will be free in a moment.
bool IsLost(const std::vector<registry::Seat>& seats, const registry::Seat& ours);

// The highest epoch known of: an identity that starts with it votes in no epoch a second time.
std::uint64_t FleetEpoch(const std::vector<registry::Seat>& seats, std::uint64_t record_epoch);

// The "sentinel current-epoch" that a running Sentinel writes into its own file; 0 where there is none.
std::uint64_t EpochIn(std::string_view conf);

}  // namespace redis_zk::sentinel_wrapper
