// Who starts with which data in a cold start, who of them goes first, and what is overwritten when that one
// begins: functions of values. What is decided from it is in cold_start.h.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "redis-wrapper/bootstrap.h"

namespace redis_zk::redis_wrapper {

// How many digits of a replication id FORCE_MASTER takes at least: fewer could mean anybody.
inline constexpr std::size_t kLeastIdDigits = 8;

std::string DescribeData(const store::Dataset& dataset);
std::string DescribeData(const Endpoint& node, const store::Dataset& dataset);
std::string DescribeData(const store::Member& member);
std::string DescribeData(const store::KnownDataset& known);
// What has become of the starts with these data. REQUIRES: there was one.
std::string DescribeStarts(const store::FailedLoads& failed);
// What a person can do about data that cannot be loaded: "repair its files (...)".
std::string DescribeRepair(const store::FailedLoads& failed);

// Whether FORCE_MASTER selects the node at this address, or with data of this id.
bool IsForced(const View& view, const Endpoint& endpoint, const std::string& replication_id);
// Whether FORCE_MASTER names a server that runs: the rows about running servers decide then.
bool NamesRunning(const View& view);
// Whether a node can come that FORCE_MASTER selects. An id changes when its data are loaded: one that is
// known of no absent node has been carried out.
bool MayCome(const View& view);

// The best of those that can begin with their data, of equals the first: no node can with what a server holds
// that does not answer. Two of different origin: both, in `rival`.
struct Best {
  const store::Member* best = nullptr;
  const store::Member* rival = nullptr;
};
Best FindBest(const std::vector<store::Member>& candidates, const store::History& history);

// Who starts with data, and who is missing.
struct Field {
  // All that start, this node first: of equals, the one that holds the lock goes ahead.
  std::vector<store::Member> candidates;
  // Those with data that can be loaded; where there are none, all with data.
  std::vector<store::Member> usable;
  bool none_loads = false;  // `usable` are those that failed to load
  // Of the absent, those that are worth a wait.
  std::vector<store::KnownDataset> awaited;
  // Of the absent, those whose server could not load their data, or has not come to serve with them: they are
  // not gone, and no node begins empty in their place.
  std::vector<store::KnownDataset> tried;
};
Field Survey(const View& view);

// Of those whose data are as good as those of `best`, one of them: the lowest priority, 0 last, and of equals
// the first.
const store::Member& Prefer(const std::vector<store::Member>& candidates, const store::Member& best,
                            const store::History& history);

// What is overwritten when `chosen` begins, why, and the way out; empty: nothing that it lacks. `why` those
// are not waited for that could be loaded. `by_force`: it is not asked either whether the absent have more
// than was reported.
std::string DescribeLoss(const View& view, const Field& field, const store::Member& chosen,
                         const std::string& why, bool by_force);

}  // namespace redis_zk::redis_wrapper
