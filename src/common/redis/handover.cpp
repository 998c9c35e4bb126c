#include "redis/handover.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "redis/preference.h"

namespace redis_zk::redis {

namespace {

using Kind = HandOver::Outcome::Kind;

constexpr Duration kAskTimeout = 500ms;
// How often the servers are looked at while everybody waits for them.
constexpr Duration kLookInterval = 5ms;
// How long a Sentinel that took the order may seem to do nothing.
constexpr Duration kSentinelPatience = 1s;

// Of a master that stops next.
// A failover takes about this long; what is left before it is for the replicas to come close and catch up.
constexpr Duration kFailoverTakes = 3s;
// The pause must outlive the hand-over: a client that is released too early writes to a master whose days are
// over. It ends with the server in any case.
constexpr Duration kPauseMargin = 60s;

// A replica this close has the rest in an instant. Coming so close may take a while, without any pause.
constexpr std::int64_t kSlack = 1'000'000;
// A pause of more than down-after makes Sentinels take the master for dead: what they publish there is paused
// as well, and their PINGs wait behind it.
constexpr Duration kCatchUp = 1s;

// Of a master that goes on.
constexpr Duration kComeClose = 10s;
constexpr Duration kPauseToCatchUp = 2500ms;
constexpr Duration kPromotion = 5s;
// Long enough that, should we die, others have made the old master a replica before it takes a write.
constexpr Duration kPauseToFailOver = 30s;
constexpr Duration kGiveUp = 2s;
constexpr Duration kDemote = 5s;
constexpr Duration kAtOnce = 1ms;

Duration Since(TimePoint start) { return std::chrono::duration_cast<Duration>(Clock::now() - start); }

std::vector<SentinelReport> AnsweredReports(const std::vector<Peer>& sentinels,
                                            const Credentials& credentials, const std::string& group) {
  std::vector<SentinelReport> reports;
  for (auto& report : AskSentinels(sentinels, credentials, group, kAskTimeout)) {
    if (report) reports.push_back(std::move(*report));
  }
  return reports;
}

bool Answers(const Endpoint& sentinel, const std::vector<SentinelReport>& reports) {
  return std::any_of(reports.begin(), reports.end(),
                     [&](const auto& report) { return report.sentinel == sentinel; });
}

bool IsFailingOver(const std::vector<SentinelReport>& reports) {
  return std::any_of(reports.begin(), reports.end(),
                     [](const auto& report) { return report.failover_in_progress; });
}

}  // namespace

HandOverPlan PlanHandOver(const ServerInfo& master, const Endpoint& announced,
                          const std::vector<SentinelReport>& reports, const std::optional<Endpoint>& to,
                          std::size_t needed) {
  HandOverPlan plan;
  if (master.role != Role::kMaster) {
    plan.refusal = "this node is a replica";
    return plan;
  }
  for (const auto& replica : master.replicas) {
    if (replica.online) plan.replicas.push_back(replica.endpoint);
  }
  if (to && std::find(plan.replicas.begin(), plan.replicas.end(), *to) == plan.replicas.end()) {
    const bool copies = std::any_of(master.replicas.begin(), master.replicas.end(),
                                    [&](const auto& replica) { return replica.endpoint == *to; });
    plan.refusal = copies             ? fmt::format("{} still copies the data", to->ToAddress())
                   : *to == announced ? fmt::format("{} is the master", to->ToAddress())
                                      : fmt::format("{} is no replica that is attached to {}",
                                                    to->ToAddress(), announced.ToAddress());
    return plan;
  }
  if (plan.replicas.empty()) {
    plan.refusal = "no replica is attached";
    return plan;
  }
  for (const auto& report : reports) {
    // Two failovers at once may promote two replicas.
    if (report.failover_in_progress)
      plan.refusal = fmt::format("Sentinel {} fails over already", report.sentinel.ToAddress());
    // Sentinel promotes whom it knows.
    if (report.master == announced && report.known_replicas > 0) plan.sentinels.push_back(report.sentinel);
  }
  // See sentinel_client.h, RequestFailover.
  std::reverse(plan.sentinels.begin(), plan.sentinels.end());
  if (plan.sentinels.empty()) {
    plan.refusal = "no Sentinel was found that could promote a replica";
  } else if (plan.sentinels.size() < needed && plan.refusal.empty()) {
    plan.refusal = fmt::format(
        "ZooKeeper does not say that this is the master, and of the {} Sentinels that have to, only {} do",
        needed, plan.sentinels.size());
  }
  return plan;
}

std::vector<Endpoint> FindUnattached(const std::vector<Endpoint>& attached,
                                     const std::vector<ReplicaReport>& known) {
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

void LeaveOutIncomplete(const std::vector<Result<ServerInfo>>& infos, const std::optional<Endpoint>& to,
                        HandOverPlan* plan) {
  std::vector<Endpoint> complete;
  bool any_may_lead = false;
  for (std::size_t i = 0; i < infos.size(); ++i) {
    const auto& replica = plan->replicas[i];
    if (infos[i] && (infos[i]->loading || infos[i]->synchronising)) {
      if (to == replica) plan->refusal = fmt::format("{} still copies the data", replica.ToAddress());
      continue;
    }
    complete.push_back(replica);
    any_may_lead |= !infos[i] || infos[i]->role != Role::kReplica || infos[i]->priority != 0;
  }
  if (plan->refusal.empty() && complete.empty())
    plan->refusal = "every attached replica still copies the data";
  if (plan->refusal.empty() && !any_may_lead)
    plan->refusal = "no attached replica can be promoted: their replica-priority is 0";
  plan->replicas = std::move(complete);
}

HandOver::HandOver(const CommonOptions& options, const Terms& terms, Pause pause)
    : options_(options), terms_(terms), pause_(std::move(pause)), start_(Clock::now()), to_(terms.to) {}

HandOver::Outcome HandOver::End(Kind kind, std::string told) const {
  Outcome outcome{.kind = kind, .told = std::move(told), .took = Since(start_)};
  const TimePoint released_at = released_at_ == TimePoint{} ? Clock::now() : released_at_;
  if (paused_at_ != TimePoint{})
    outcome.paused = std::chrono::duration_cast<Duration>(released_at - paused_at_);
  return outcome;
}

Result<Reply> HandOver::AskMaster(const Command& command) const {
  const auto replies = Ask(terms_.server, options_.redis, {command}, kAskTimeout);
  if (!replies) return tl::unexpected(replies.error());
  if (replies->front().is_error())
    return Fail(ErrorKind::kRefused, fmt::format("{}: {}", command.front(), replies->front().text));
  return replies->front();
}

Status HandOver::PauseWrites(Duration duration) {
  const TimePoint asked_at = Clock::now();
  if (paused_at_ == TimePoint{}) paused_at_ = asked_at;
  const auto paused = AskMaster({"CLIENT", "PAUSE", std::to_string(duration.count()), "WRITE"});
  if (!paused) return tl::unexpected(paused.error());
  paused_until_ = asked_at + duration;
  return {};
}

void HandOver::Release() {
  released_at_ = Clock::now();
  // If it does not answer, the pause ends by itself.
  if (const auto released = AskMaster({"CLIENT", "UNPAUSE"}); !released)
    log::Warn("{}: the writes at {} are paused for up to {} s: {}", terms_.group, terms_.server.ToAddress(),
              Remaining(paused_until_, released_at_) / 1s, released.error().message);
}

HandOver::Outcome HandOver::Run() {
  const auto master = AskServerInfo(terms_.server, options_.redis, kAskTimeout);
  if (!master) return End(Kind::kRefused, master.error().message);
  std::vector<SentinelReport> reports;
  if (master->role == Role::kMaster && !master->replicas.empty())
    reports = AnsweredReports(terms_.sentinels, options_.sentinel, terms_.group);
  HandOverPlan plan = PlanHandOver(*master, terms_.announced, reports, to_,
                                   terms_.recorded ? 1 : terms_.sentinels.size() / 2 + 1);
  if (plan.refusal.empty())
    LeaveOutIncomplete(AskServerInfos(plan.replicas, options_.redis, kAskTimeout), to_, &plan);
  if (!plan.refusal.empty()) {
    auto outcome = End(Kind::kRefused, plan.refusal);
    outcome.is_master = master->role == Role::kMaster;
    return outcome;
  }
  return Prepare(std::move(plan));
}

HandOver::Outcome HandOver::Prepare(HandOverPlan plan) {
  const auto known = AskAcquaintances(plan.sentinels.front(), options_.sentinel, terms_.group, kAskTimeout);
  if (known) unattached_ = FindUnattached(plan.replicas, known->replicas);
  // One of those would be promoted without what it has not copied, if its priority is the better one.
  if (!to_ && !unattached_.empty()) {
    const auto may_lead = [&](const Endpoint& replica) {
      return std::none_of(known->replicas.begin(), known->replicas.end(), [&](const auto& report) {
        return report.endpoint == replica && report.priority == 0;
      });
    };
    const auto chosen = std::find_if(plan.replicas.begin(), plan.replicas.end(), may_lead);
    if (chosen == plan.replicas.end()) {
      return End(Kind::kRefused, fmt::format("{} is not attached, and no replica that is may be promoted",
                                             unattached_.front().ToAddress()));
    }
    to_ = *chosen;
  }
  if (!to_) return CarryOut(plan);
  // The preference is shown to one Sentinel, and only that one is asked.
  plan.sentinels.resize(1);
  const TimePoint shown_by = GoesOn() ? TimePoint::max() : start_ + terms_.timeout / 2;
  const auto pause = [&](TimePoint until) { return Clock::now() < shown_by && pause_(until); };
  const Preference preference(options_, terms_.group, *to_);
  if (const auto preferred = preference.Set(plan.replicas, plan.sentinels.front(), pause); !preferred)
    return End(Kind::kRefused, preferred.error().message);
  return CarryOut(plan);
}

HandOver::Outcome HandOver::CarryOut(const HandOverPlan& plan) {
  TimePoint deadline = start_ + terms_.timeout;
  const Duration for_failover = std::min(kFailoverTakes, terms_.timeout / 2);
  const TimePoint close_by = GoesOn() ? Clock::now() + kComeClose : deadline - for_failover - kCatchUp;
  if (auto why = AwaitReplicas(plan.replicas, kSlack, close_by); !why.empty())
    return End(Kind::kRefused, std::move(why));
  if (const auto paused = PauseWrites(GoesOn() ? kPauseToCatchUp : terms_.timeout + kPauseMargin); !paused) {
    if (paused.error().kind != ErrorKind::kRefused && GoesOn()) Release();
    return End(Kind::kRefused, paused.error().message);
  }
  std::string why = AwaitReplicas(plan.replicas, 0, Clock::now() + kCatchUp);
  if (why.empty() && GoesOn()) {
    const TimePoint first_ends_at = paused_until_;
    if (const auto paused = PauseWrites(kPauseToFailOver); !paused) {
      why = paused.error().message;
    } else if (Clock::now() >= first_ends_at) {
      // Somebody may have written in between.
      why = "everything took too long for the pause of the writes";
    }
    deadline = Clock::now() + kPromotion;
  }
  if (!why.empty()) {
    // Not released where it stops: Sentinel may have promoted one meanwhile, and what is written here now
    // would be lost.
    if (GoesOn()) Release();
    return End(Kind::kGivenUp, std::move(why));
  }
  return Order(plan, deadline);
}

HandOver::Outcome HandOver::Order(const HandOverPlan& plan, TimePoint deadline) {
  std::string why;
  for (const auto& sentinel : plan.sentinels) {
    const auto asked = RequestFailover(sentinel, options_.sentinel, terms_.group, kAskTimeout);
    // The order may have arrived although the answer did not, and another failover is as good as ours: then
    // nobody else may be asked.
    if (!asked && asked.error().kind == ErrorKind::kRefused && !IsFailoverRunning(asked.error())) {
      why = asked.error().message;
      continue;
    }
    auto promotion = AwaitPromotion(plan, sentinel, deadline);
    if (!promotion.promoted && GoesOn() && !promotion.decided) promotion = EndFailover(sentinel);
    if (!promotion.promoted) {
      if (GoesOn()) Release();
      return End(promotion.decided ? Kind::kGivenUp : Kind::kUndecided, promotion.why);
    }
    // Released while it still is a master, the clients would write what no other has.
    if (const auto followed = Demote(*promotion.promoted); !followed) {
      return End(Kind::kUndecided, fmt::format("{} was promoted, and {} does not follow it: {}",
                                               promotion.promoted->ToAddress(), terms_.announced.ToAddress(),
                                               followed.error().message));
    }
    Release();
    auto outcome = End(Kind::kDone, "");
    outcome.told =
        fmt::format("handed over to {} in {} ms", promotion.promoted->ToAddress(), outcome.took.count());
    outcome.promoted = *promotion.promoted;
    return outcome;
  }
  if (GoesOn()) Release();
  return End(Kind::kGivenUp, fmt::format("no Sentinel takes the order: {}", why));
}

std::string HandOver::AwaitReplicas(const std::vector<Endpoint>& replicas, std::int64_t slack,
                                    TimePoint deadline) const {
  // Beyond this everybody has to come: who is near by, and stands still, would not arrive within a pause.
  std::optional<std::int64_t> beginning;
  while (true) {
    const auto master = AskServerInfo(terms_.server, options_.redis, kAskTimeout);
    if (!master) return master.error().message;
    if (!beginning) beginning = master->offset;
    std::vector<Endpoint> attached;
    for (const auto& replica : master->replicas) {
      if (std::find(replicas.begin(), replicas.end(), replica.endpoint) != replicas.end())
        attached.push_back(replica.endpoint);
    }
    if (to_ && std::find(attached.begin(), attached.end(), *to_) == attached.end())
      return fmt::format("replica {} has left", to_->ToAddress());
    if (attached.empty()) return "no replica is attached any more";
    std::string behind;
    const auto infos = AskServerInfos(attached, options_.redis, kAskTimeout);
    for (std::size_t i = 0; i < attached.size(); ++i) {
      if (!infos[i]) {
        behind = infos[i].error().message;
      } else if (infos[i]->offset < std::max(*beginning, master->offset - slack)) {
        behind = fmt::format("replica {} lags {} bytes behind", attached[i].ToAddress(),
                             master->offset - infos[i]->offset);
      }
    }
    if (behind.empty()) return "";
    if (Clock::now() >= deadline) return behind;
    if (!pause_(Clock::now() + kLookInterval)) return "asked to stop at once";
  }
}

HandOver::Promotion HandOver::AwaitPromotion(const HandOverPlan& plan, const Endpoint& asked,
                                             TimePoint deadline) const {
  TimePoint working_at = Clock::now();
  std::vector<Endpoint> candidates = plan.replicas;
  candidates.insert(candidates.end(), unattached_.begin(), unattached_.end());
  while (true) {
    const auto infos = AskServerInfos(candidates, options_.redis, kAskTimeout);
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      if (infos[i] && infos[i]->role == Role::kMaster) return {.promoted = candidates[i]};
    }
    const auto reports = AnsweredReports(terms_.sentinels, options_.sentinel, terms_.group);
    const TimePoint now = Clock::now();
    // Of one that is silent nobody knows what it does.
    if (IsFailingOver(reports) || (GoesOn() && !Answers(asked, reports))) working_at = now;
    if (now - working_at > kSentinelPatience) {
      return {.decided = true,
              .why = fmt::format("Sentinel {} has given the failover up", asked.ToAddress())};
    }
    if (now >= deadline) {
      return {.why = GoesOn() ? "no replica was promoted in time"
                              : "no replica was promoted in time (HANDOVER_TIMEOUT)"};
    }
    if (!pause_(now + kLookInterval) && !GoesOn()) return {.why = "asked to stop at once"};
  }
}

HandOver::Promotion HandOver::EndFailover(const Endpoint& asked) const {
  const TimePoint deadline = Clock::now() + kGiveUp;
  auto reports = AnsweredReports(terms_.sentinels, options_.sentinel, terms_.group);
  std::vector<SentinelReport> ended;
  for (const auto& report : reports) {
    if (report.failover_in_progress &&
        SetFailoverTimeout(report.sentinel, options_.sentinel, terms_.group, kAtOnce, kAskTimeout))
      ended.push_back(report);
  }
  while (IsFailingOver(reports) && Clock::now() < deadline) {
    pause_(Clock::now() + kLookInterval);
    reports = AnsweredReports(terms_.sentinels, options_.sentinel, terms_.group);
  }
  for (const auto& report : ended) {
    const auto restored = SetFailoverTimeout(report.sentinel, options_.sentinel, terms_.group,
                                             report.failover_timeout, kAskTimeout);
    if (!restored)
      log::Warn("{}: failover-timeout of Sentinel {} stays {} ms: {}", terms_.group,
                report.sentinel.ToAddress(), kAtOnce.count(), restored.error().message);
  }
  // It may have been quicker.
  for (const auto& report : reports) {
    if (report.master != terms_.announced) return {.promoted = report.master};
  }
  if (!Answers(asked, reports)) {
    return {.why =
                fmt::format("no replica was promoted in time, and Sentinel {}, which was to do it, does not "
                            "answer: it may still promote one",
                            asked.ToAddress())};
  }
  if (IsFailingOver(reports)) return {.why = "no replica was promoted in time, and the failover goes on"};
  return {.decided = true, .why = "no replica was promoted in time, and the failover was given up"};
}

Status HandOver::Demote(const Endpoint& promoted) const {
  const TimePoint deadline = Clock::now() + (GoesOn() ? kDemote : Duration::zero());
  while (true) {
    const auto followed = AskMaster({"REPLICAOF", promoted.host, std::to_string(promoted.port)});
    if (followed) return {};
    if (Clock::now() >= deadline) return tl::unexpected(followed.error());
    pause_(Clock::now() + kAskTimeout);
  }
}

}  // namespace redis_zk::redis
