#include "failover/preference.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/log.h"
#include "redis/server_info.h"
#include "sentinel/client.h"

namespace redis_zk::failover {

namespace {

constexpr Duration kLookInterval = 100ms;
// A Sentinel of a large fleet, or one that cannot be told to ask more often, asks every ten seconds; a second
// or two for its turn and for the answer.
constexpr Duration kSeenWithin = 12s;
constexpr int kRestoreTries = 3;

Status SetPriority(redis::Servers& servers, const Endpoint& replica, std::int64_t priority) {
  return servers.Order(replica, {"CONFIG", "SET", "replica-priority", std::to_string(priority)});
}

}  // namespace

std::map<Endpoint, std::int64_t> PrioritiesFor(const Endpoint& preferred,
                                               const std::map<Endpoint, std::int64_t>& now) {
  std::map<Endpoint, std::int64_t> changes;
  for (const auto& [replica, priority] : now) {
    if (priority == 0) continue;
    if (replica == preferred && priority != 1) changes[replica] = 1;
    if (replica != preferred && priority == 1) changes[replica] = 2;
  }
  return changes;
}

bool Prefers(const std::vector<sentinel::ReplicaReport>& replicas, const Endpoint& preferred) {
  const auto found = std::find_if(replicas.begin(), replicas.end(),
                                  [&](const auto& replica) { return replica.endpoint == preferred; });
  if (found == replicas.end() || found->down || !found->master_link_up || found->priority == 0) return false;
  return std::all_of(replicas.begin(), replicas.end(), [&](const auto& replica) {
    return &replica == &*found || replica.priority == 0 || replica.priority > found->priority;
  });
}

Preference::~Preference() {
  for (const auto& [replica, priority] : before_) {
    Status restored = SetPriority(network_.redis, replica, priority);
    for (int tries = 1; !restored && tries < kRestoreTries; ++tries)
      restored = SetPriority(network_.redis, replica, priority);
    if (!restored)
      log::Warn({.event = "replica-priority-not-restored", .group = group_, .peer = replica.ToAddress()},
                "cannot restore replica-priority on {}: {}; set it with CONFIG SET replica-priority {}",
                replica.ToAddress(), restored.error().message, priority);
  }
}

Status Preference::Set(const std::vector<Endpoint>& replicas, const Endpoint& sentinel,
                       const std::function<bool(TimePoint)>& pause) const {
  std::map<Endpoint, std::int64_t> now;
  const auto infos = network_.redis.AskInfos(replicas);
  for (std::size_t i = 0; i < replicas.size(); ++i) {
    if (!infos[i]) return tl::unexpected(infos[i].error());
    now[replicas[i]] = infos[i]->priority;
  }
  if (now.at(preferred_) == 0) {
    return Fail(ErrorKind::kInvalid,
                fmt::format("{} cannot be promoted: its replica-priority is 0", preferred_.ToAddress()));
  }
  for (const auto& [replica, priority] : PrioritiesFor(preferred_, now)) {
    before_[replica] = now.at(replica);
    if (auto set = SetPriority(network_.redis, replica, priority); !set) return set;
  }
  const TimePoint deadline = Clock::now() + kSeenWithin;
  while (true) {
    const auto known = sentinel::Client(network_.sentinels, sentinel).AskKnownInstances(group_);
    if (known && Prefers(known->replicas, preferred_)) return {};
    if (Clock::now() >= deadline) {
      return Fail(ErrorKind::kTimeout, fmt::format("timeout: Sentinel {} does not prefer {} yet",
                                                   sentinel.ToAddress(), preferred_.ToAddress()));
    }
    if (!pause(Clock::now() + kLookInterval)) return Fail(ErrorKind::kTimeout, "second stop request");
  }
}

}  // namespace redis_zk::failover
