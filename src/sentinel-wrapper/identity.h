// Which identity a Sentinel runs with, as functions of values.
//
// An identity is what peers know a Sentinel by: its id (sentinel myid). A replacement that takes over the
// identity of one that is gone is no stranger: its peers note a new address and count no stale_entry, whose
// missing vote would in the end block every election.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net/endpoint.h"
#include "store/record.h"

namespace redis_zk::sentinel_wrapper {

struct IdentitySeen {
  store::Identity identity;
  // A Sentinel with this identity's id answers at its endpoint, whatever ZooKeeper says: its session may have
  // been lost, or its wrapper been killed a moment ago.
  bool answers = false;
};

struct IdentityChoice {
  enum class Kind {
    kTake,  // `identity`
    kWait,  // for `identity`, which may become free in a moment
    kNew,
  };
  Kind kind = Kind::kNew;
  store::Identity identity;  // as it was seen; empty for kNew
  std::string reason;        // one sentence
};

// The first by uuid of: the identity whose last endpoint is ours, a free one, a new one. An identity whose
// session has not ended although its Sentinel is gone is worth a wait, until `may_wait` is false: then it is
// another's.
IdentityChoice ChooseIdentity(const std::vector<IdentitySeen>& identities, const Endpoint& own,
                              bool may_wait);

// Whether another Sentinel has the identity that we held: it is taken, for another endpoint than ours. One
// that is taken for ours belongs to an earlier session of our own and will be free in a moment.
bool IsLost(const std::vector<store::Identity>& identities, const store::Identity& ours);

// The "sentinel current-epoch" that a running Sentinel writes into its own file; 0 where there is none.
std::uint64_t EpochIn(std::string_view conf);

}  // namespace redis_zk::sentinel_wrapper
