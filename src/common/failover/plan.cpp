#include "failover/plan.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace redis_zk::failover {

namespace {

bool CanBePromoted(const sentinel::ReplicaReport& replica) { return !replica.down && replica.priority != 0; }

// Whether a Sentinel would promote one of these.
bool Knows(const sentinel::GroupReport& sentinel, const std::vector<Endpoint>& replicas) {
  return std::any_of(sentinel.replicas.begin(), sentinel.replicas.end(), [&](const auto& known) {
    return CanBePromoted(known) && std::any_of(replicas.begin(), replicas.end(), [&](const auto& replica) {
             return MayBeSame(replica, known.endpoint);
           });
  });
}

// Why an attached replica cannot take over; empty: it can.
std::string FindShortcoming(const Endpoint& replica, const Result<redis::ServerInfo>& info) {
  if (!info) return info.error().message;
  if (info->loading) return fmt::format("{} is still loading its data", replica.ToAddress());
  if (info->priority == 0)
    return fmt::format("{} cannot be promoted: its replica-priority is 0", replica.ToAddress());
  if (info->synchronising || !info->link_up)
    return fmt::format("{} is still copying the data", replica.ToAddress());
  return "";
}

}  // namespace

HandoverPlan PlanHandover(const HandoverView& view) {
  HandoverPlan plan;
  const auto refuse = [&plan](bool passing, std::string why) {
    plan.refusal = std::move(why);
    plan.passing = passing;
    return plan;
  };
  if (view.master.role != redis::Role::kMaster) {
    plan.is_master = false;
    return refuse(false, "this node is a replica");
  }
  std::vector<Endpoint> online;
  std::vector<Endpoint> copying;
  for (const auto& replica : view.master.replicas)
    (replica.online ? online : copying).push_back(replica.endpoint);
  if (view.to && !Contains(online, *view.to)) {
    if (Contains(copying, *view.to))
      return refuse(true, fmt::format("{} is still copying the data", view.to->ToAddress()));
    if (*view.to == view.announced)
      return refuse(false, fmt::format("{} is the master", view.to->ToAddress()));
    return refuse(false, fmt::format("{} is not an attached replica of {}", view.to->ToAddress(),
                                     view.announced.ToAddress()));
  }
  if (view.master.replicas.empty()) {
    for (const auto& [report, known] : view.sentinels) {
      const auto living = std::find_if(known.begin(), known.end(), CanBePromoted);
      // Its link has just broken, or it has just died: Sentinel tells which in a moment.
      if (report.master == view.announced && living != known.end())
        return refuse(true, fmt::format("replica {} is not attached", living->endpoint.ToAddress()));
    }
    return refuse(false, "no replica is attached");
  }
  if (view.registered == 0) return refuse(false, "no Sentinel is registered");
  if (online.empty())
    return refuse(true, fmt::format("{} is still copying the data", copying.front().ToAddress()));

  std::string shortcoming;
  for (const auto& replica : online) {
    if (view.to && replica != *view.to) continue;
    auto why = FindShortcoming(replica, view.replicas.at(replica));
    if (why.empty()) plan.candidates.push_back(replica);
    if (shortcoming.empty()) shortcoming = std::move(why);
  }
  if (plan.candidates.empty()) return refuse(true, std::move(shortcoming));

  std::size_t naming = 0;
  bool tilted = false;
  bool all_know = true;
  std::vector<const sentinel::GroupReport*> able;
  for (const auto& sentinel : view.sentinels) {
    const auto& report = sentinel.report;
    // Two failovers at once may promote two replicas.
    if (report.failover_in_progress)
      return refuse(true,
                    fmt::format("Sentinel {} is already running a failover", report.sentinel.ToAddress()));
    if (report.master != view.announced) continue;
    ++naming;
    if (!Knows(sentinel, plan.candidates)) {
      all_know = all_know && report.tilt;
      continue;
    }
    tilted = tilted || report.tilt;
    if (!report.tilt) able.push_back(&sentinel);
  }
  if (naming == 0)
    return refuse(true, fmt::format("no Sentinel reports {} as the master", view.announced.ToAddress()));
  if (naming < view.needed) {
    return refuse(
        true, fmt::format("ZooKeeper does not confirm this master, and only {} of {} required Sentinels do",
                          naming, view.needed));
  }
  if (able.empty()) {
    if (tilted) return refuse(true, "every Sentinel that knows a promotable replica is in TILT");
    return refuse(true, fmt::format("no Sentinel knows {} yet", plan.candidates.front().ToAddress()));
  }
  // See sentinel/client.h, RequestFailover.
  std::reverse(able.begin(), able.end());
  const Endpoint best = able.front()->report.sentinel;
  // Those first that would promote no other one.
  std::stable_partition(able.begin(), able.end(), [&](const auto* sentinel) {
    return FindUnattached(online, sentinel->replicas).empty();
  });
  plan.unattached = FindUnattached(online, able.front()->replicas);
  for (const auto* sentinel : able) {
    if (plan.unattached.empty() == FindUnattached(online, sentinel->replicas).empty())
      plan.sentinels.push_back(sentinel->report.sentinel);
  }
  plan.all_ready = all_know && plan.sentinels.front() == best;
  for (const auto& replica : online) {
    const auto& info = view.replicas.at(replica);
    const bool never = info && info->priority == 0 &&
                       std::none_of(able.begin(), able.end(),
                                    [&](const auto* sentinel) { return Knows(*sentinel, {replica}); });
    if (!never) plan.replicas.push_back(replica);
  }
  return plan;
}

std::vector<Endpoint> FindUnattached(const std::vector<Endpoint>& attached,
                                     const std::vector<sentinel::ReplicaReport>& known) {
  // By name and by address the same replica would be two.
  if (!std::all_of(attached.begin(), attached.end(),
                   [](const auto& replica) { return IsIpAddress(replica.host); }))
    return {};
  std::vector<Endpoint> found;
  for (const auto& replica : known) {
    if (!replica.down && replica.priority != 0 &&
        std::find(attached.begin(), attached.end(), replica.endpoint) == attached.end())
      found.push_back(replica.endpoint);
  }
  return found;
}

}  // namespace redis_zk::failover
