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

struct PlanRefusal {
  std::string why;       // one sentence
  bool passing = false;  // it may be possible in a moment
};

struct AttachedReplicas {
  std::vector<Endpoint> online;
  std::vector<Endpoint> copying;
};

AttachedReplicas FindAttached(const redis::ServerInfo& master) {
  AttachedReplicas attached;
  for (const auto& replica : master.replicas)
    (replica.online ? attached.online : attached.copying).push_back(replica.endpoint);
  return attached;
}

PlanRefusal RefuseCopying(const Endpoint& replica) {
  return {fmt::format("{} is still copying the data", replica.ToAddress()), true};
}

// Why the replica that was asked for cannot be promoted. REQUIRES: it is not online.
PlanRefusal RefuseTarget(const HandoverView& view, const Endpoint& target, const AttachedReplicas& attached) {
  if (Contains(attached.copying, target)) return RefuseCopying(target);
  if (target == view.announced) return {fmt::format("{} is the master", target.ToAddress())};
  return {fmt::format("{} is not an attached replica of {}", target.ToAddress(), view.announced.ToAddress())};
}

PlanRefusal RefuseWithoutReplica(const HandoverView& view) {
  for (const auto& [report, known] : view.sentinels) {
    const auto living = std::find_if(known.begin(), known.end(), CanBePromoted);
    // Its link has just broken, or it has just died: Sentinel tells which in a moment.
    if (report.master == view.announced && living != known.end())
      return {fmt::format("replica {} is not attached", living->endpoint.ToAddress()), true};
  }
  return {"no replica is attached"};
}

// Nothing: there is a replica that gets the stream of writes, and the one that was asked for is one.
std::optional<PlanRefusal> CheckAttached(const HandoverView& view, const AttachedReplicas& attached) {
  if (view.to && !Contains(attached.online, *view.to)) return RefuseTarget(view, *view.to, attached);
  if (view.master.replicas.empty()) return RefuseWithoutReplica(view);
  if (view.registered == 0) return PlanRefusal{"no Sentinel is registered"};
  if (attached.online.empty()) return RefuseCopying(attached.copying.front());
  return std::nullopt;
}

// Why an attached replica cannot take over; empty: it can.
std::string FindShortcoming(const Endpoint& replica, const Result<redis::ServerInfo>& info) {
  if (!info) return info.error().message;
  if (info->loading) return fmt::format("{} is still loading its data", replica.ToAddress());
  if (info->priority == 0)
    return fmt::format("{} cannot be promoted: its replica-priority is 0", replica.ToAddress());
  if (info->synchronising || !info->link_up) return RefuseCopying(replica).why;
  return "";
}

// Not empty.
tl::expected<std::vector<Endpoint>, PlanRefusal> FindCandidates(const HandoverView& view,
                                                                const std::vector<Endpoint>& online) {
  std::vector<Endpoint> candidates;
  std::string shortcoming;
  for (const auto& replica : online) {
    if (view.to && replica != *view.to) continue;
    auto why = FindShortcoming(replica, view.replicas.at(replica));
    if (why.empty()) candidates.push_back(replica);
    if (shortcoming.empty()) shortcoming = std::move(why);
  }
  if (candidates.empty()) return tl::unexpected(PlanRefusal{std::move(shortcoming), true});
  return candidates;
}

// The Sentinels by what they say of this master and the candidates.
struct SentinelSurvey {
  std::size_t naming = 0;                          // name this node as the master
  std::vector<const sentinel::GroupReport*> able;  // of those, know a candidate and are not in TILT
  bool tilted = false;                             // one of those that know a candidate is in TILT
  bool all_know = true;                            // a candidate, but for those in TILT
  std::optional<Endpoint> failing_over;            // runs a failover already
};

SentinelSurvey SurveySentinels(const HandoverView& view, const std::vector<Endpoint>& candidates) {
  SentinelSurvey survey;
  for (const auto& sentinel : view.sentinels) {
    const auto& report = sentinel.report;
    if (report.failover_in_progress && !survey.failing_over) survey.failing_over = report.sentinel;
    if (report.master != view.announced) continue;
    ++survey.naming;
    if (!Knows(sentinel, candidates)) {
      survey.all_know = survey.all_know && report.tilt;
    } else if (report.tilt) {
      survey.tilted = true;
    } else {
      survey.able.push_back(&sentinel);
    }
  }
  return survey;
}

// Nothing: one of them can be asked.
std::optional<PlanRefusal> CheckSentinels(const HandoverView& view, const SentinelSurvey& survey,
                                          const Endpoint& candidate) {
  // Two failovers at once may promote two replicas.
  if (survey.failing_over)
    return PlanRefusal{
        fmt::format("Sentinel {} is already running a failover", survey.failing_over->ToAddress()), true};
  if (survey.naming == 0)
    return PlanRefusal{fmt::format("no Sentinel reports {} as the master", view.announced.ToAddress()), true};
  if (survey.naming < view.needed) {
    return PlanRefusal{
        fmt::format("ZooKeeper does not confirm this master, and only {} of {} required Sentinels do",
                    survey.naming, view.needed),
        true};
  }
  if (survey.able.empty() && survey.tilted)
    return PlanRefusal{"every Sentinel that knows a promotable replica is in TILT", true};
  if (survey.able.empty())
    return PlanRefusal{fmt::format("no Sentinel knows {} yet", candidate.ToAddress()), true};
  return std::nullopt;
}

// Which Sentinels to ask, in which order, and what the first of them could promote beside the candidates.
// REQUIRES: survey.able is not empty.
void ChooseSentinels(const SentinelSurvey& survey, const std::vector<Endpoint>& online, HandoverPlan& plan) {
  auto able = survey.able;
  // See sentinel/client.h, RequestFailover.
  std::reverse(able.begin(), able.end());
  const Endpoint best = able.front()->report.sentinel;
  // Those that would promote no other one, if there are any.
  const auto exact = std::find_if(able.begin(), able.end(), [&](const auto* sentinel) {
    return FindUnattached(online, sentinel->replicas).empty();
  });
  plan.unattached = FindUnattached(online, (exact == able.end() ? able.front() : *exact)->replicas);
  for (const auto* sentinel : able) {
    if (plan.unattached.empty() == FindUnattached(online, sentinel->replicas).empty())
      plan.sentinels.push_back(sentinel->report.sentinel);
  }
  plan.all_ready = survey.all_know && plan.sentinels.front() == best;
}

// Whether no Sentinel that may be asked would promote it.
bool IsNeverPromoted(const Endpoint& replica, const Result<redis::ServerInfo>& info,
                     const SentinelSurvey& survey) {
  return info && info->priority == 0 &&
         std::none_of(survey.able.begin(), survey.able.end(),
                      [&](const auto* sentinel) { return Knows(*sentinel, {replica}); });
}

}  // namespace

HandoverPlan PlanHandover(const HandoverView& view) {
  HandoverPlan plan;
  const auto refuse = [&plan](PlanRefusal refusal) {
    plan.refusal = std::move(refusal.why);
    plan.passing = refusal.passing;
    return plan;
  };
  if (view.master.role != redis::Role::kMaster) {
    plan.is_master = false;
    return refuse({"this node is a replica"});
  }
  const auto attached = FindAttached(view.master);
  if (auto refusal = CheckAttached(view, attached)) return refuse(*refusal);
  auto candidates = FindCandidates(view, attached.online);
  if (!candidates) return refuse(candidates.error());
  plan.candidates = std::move(*candidates);
  const auto survey = SurveySentinels(view, plan.candidates);
  if (auto refusal = CheckSentinels(view, survey, plan.candidates.front())) return refuse(*refusal);
  ChooseSentinels(survey, attached.online, plan);
  for (const auto& replica : view.master.replicas) plan.watched.push_back(replica.endpoint);
  for (const auto& replica : plan.unattached) {
    if (!Contains(plan.watched, replica)) plan.watched.push_back(replica);
  }
  for (const auto& replica : attached.online) {
    if (!IsNeverPromoted(replica, view.replicas.at(replica), survey)) plan.replicas.push_back(replica);
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
    if (CanBePromoted(replica) && !Contains(attached, replica.endpoint)) found.push_back(replica.endpoint);
  }
  return found;
}

}  // namespace redis_zk::failover
