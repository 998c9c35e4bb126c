// What the registered members of the groups say, as the topology has it: functions of values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "net/endpoint.h"
#include "store/record.h"
#include "store/report.h"
#include "watcher/topology.h"

namespace redis_zk::watcher {

// The registered members that do not serve; `earlier` says since when.
std::map<std::string, std::vector<WaitingMember>> FindWaiting(
    const std::map<std::string, std::vector<store::Member>>& members,
    const std::map<std::string, std::vector<WaitingMember>>& earlier, TimePoint now);

// Whose replicas hold no complete copy of the data; the same.
std::map<std::string, std::map<Endpoint, TimePoint>> FindIncomplete(
    const std::map<std::string, std::vector<store::Member>>& members,
    const std::map<std::string, std::map<Endpoint, TimePoint>>& earlier, TimePoint now);

// The registered members that serve, by group.
std::map<std::string, std::set<Endpoint>> FindServing(
    const std::map<std::string, std::vector<store::Member>>& members);

// Whose user has set another replica-priority than Redis' default, by group.
std::map<std::string, std::map<Endpoint, std::int64_t>> FindPriorities(
    const std::map<std::string, std::vector<store::Member>>& members);

// How many wrappers of each version are registered; those that do not say are "before 0.2.0".
std::map<std::string, std::size_t> CountVersions(
    const std::map<std::string, std::vector<store::Member>>& members,
    const std::vector<store::Identity>& identities);

// By group, of the wrappers that wait. Clocks of machines differ: a wait that was told is a long one,
// whatever they say. What was known and is told as before has begun when it was known to have.
std::map<std::string, std::vector<LongWait>> FindLongWaits(
    const std::vector<store::Report>& wrappers, const std::map<std::string, std::vector<LongWait>>& earlier,
    TimePoint now, std::int64_t unix_now);

}  // namespace redis_zk::watcher
