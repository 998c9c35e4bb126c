#include "failover/handover.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "failover/order.h"
#include "failover/preference.h"
#include "sentinel/client.h"

namespace redis_zk::failover {

namespace {

using Kind = Handover::Outcome::Kind;

// How often the servers are looked at while everybody waits for them.
constexpr Duration kLookInterval = 5ms;
// How often everything is looked at while writes go on.
constexpr Duration kLookAgain = 100ms;
// How long a master may be slow before it counts as one that stands still.
constexpr Duration kSlowAnswers = 2s;
// How long the handover waits for the other Sentinels to learn what one knows.
constexpr Duration kAllReadyWithin = 1s;
// A Sentinel of a large fleet, or one that cannot be told to ask more often, asks every ten seconds; a second
// or two for its turn and for the answer.
constexpr Duration kPriorityIsSeenWithin = 12s;

// Of a master that stops next.
// A failover takes about this long; what is left before it is for the replicas to come close and catch up.
constexpr Duration kFailoverTakes = 3s;
// The pause must outlive the handover: a client that is released too early writes to a master whose days are
// over. It ends with the server in any case.
constexpr Duration kPauseMargin = 60s;

// A replica this close has the rest in an instant. Coming so close may take a while, without any pause.
constexpr std::int64_t kSlack = 1'000'000;
// A pause of more than down-after makes Sentinels take the master for dead: what they publish there is paused
// as well, and their PINGs wait behind it.
constexpr Duration kCatchUp = 1s;

// Of a master that goes on.
// How long an operator waits for Sentinels to learn of a replica.
constexpr Duration kBeginWithin = 5s;
constexpr Duration kComeClose = 10s;
constexpr Duration kPauseToCatchUp = 2500ms;
constexpr Duration kPromotion = 5s;
// Long enough that, should we die, others have made the old master a replica before it takes a write.
constexpr Duration kPauseToFailOver = 30s;
// What is left of the pause when all hope of a decision is given up.
constexpr Duration kReleaseBefore = 2s;
constexpr Duration kDemote = 5s;

Duration Since(TimePoint start) { return std::chrono::duration_cast<Duration>(Clock::now() - start); }

}  // namespace

Status DisconnectClients(redis::Servers& servers, const Endpoint& server) {
  return servers.Order(server, {"CLIENT", "KILL", "TYPE", "normal"});
}

Handover::Handover(const redis::Network& network, const Terms& terms)
    : network_(network),
      terms_(terms),
      start_(Clock::now()),
      to_(terms.to),
      master_(network.redis, terms.server, terms.own, terms.group),
      preference_(network, terms.group) {}

std::optional<TimePoint> Handover::Step() {
  while (!outcome_) {
    Next next = std::visit([this](auto& at) { return Take(at); }, step_);
    if (const auto* wait = std::get_if<Wait>(&next)) return wait->until;
    if (auto* over = std::get_if<Outcome>(&next)) {
      outcome_ = std::move(*over);
      // What it held, changed settings among it, ends now.
      step_ = step::Looking{};
    } else {
      step_ = std::move(std::get<step::Any>(next));
    }
  }
  return std::nullopt;
}

void Handover::Interrupt(std::string why) {
  if (!interrupted_) interrupted_ = std::move(why);
}

bool Handover::writes_go_on() const {
  return std::holds_alternative<step::Looking>(step_) || std::holds_alternative<step::Preferring>(step_) ||
         std::holds_alternative<step::Approaching>(step_);
}

TimePoint Handover::BeginBy() const {
  if (GoesOn()) return start_ + kBeginWithin;
  return start_ + terms_.timeout - std::min(kFailoverTakes, terms_.timeout / 2) - kCatchUp;
}

Handover::Outcome Handover::End(Kind kind, std::string told) {
  Outcome outcome;
  outcome.kind = kind;
  outcome.told = std::move(told);
  outcome.took = Since(start_);
  outcome.paused = master_.paused();
  preference_.Restore();
  return outcome;
}

// With writes paused and nothing promoted.
Handover::Next Handover::GiveUp(Kind kind, std::string why) {
  // Not released where it stops: Sentinel may have promoted one meanwhile, and what is written here now would
  // be lost.
  if (GoesOn()) master_.ReleaseWrites();
  return End(kind, std::move(why));
}

HandoverPlan Handover::Look() {
  const auto master = master_.AskInfo();
  if (!master) {
    const bool slow = master.error().kind == ErrorKind::kTimeout && Since(start_) < kSlowAnswers;
    HandoverPlan plan;
    plan.refusal = master.error().message;
    plan.passing = slow || master.error().cause == Cause::kFull;
    return plan;
  }
  HandoverView view;
  view.master = *master;
  view.announced = terms_.announced;
  view.registered = terms_.sentinels.size();
  view.needed = ConfirmationsNeeded(terms_.recorded, terms_.sentinels.size());
  view.to = to_;
  if (master->role == redis::Role::kMaster) {
    std::vector<Endpoint> attached;
    for (const auto& replica : master->replicas) attached.push_back(replica.endpoint);
    auto infos = network_.redis.AskInfos(attached);
    for (std::size_t i = 0; i < attached.size(); ++i) view.replicas.emplace(attached[i], std::move(infos[i]));
    answering_.clear();
    auto reports = sentinel::AskAboutGroups(network_.sentinels, terms_.sentinels, {terms_.group});
    for (std::size_t i = 0; i < reports.size(); ++i) {
      if (!reports[i].front()) continue;
      answering_.push_back(terms_.sentinels[i]);
      view.sentinels.push_back(std::move(*reports[i].front()));
    }
  }
  return PlanHandover(view);
}

Handover::Next Handover::LookAgain(std::string obstacle) {
  if (Clock::now() >= BeginBy()) return End(Kind::kRefused, std::move(obstacle));
  preference_.Restore();
  log_waiting_(log::Severity::kInfo, {.event = "handover-waiting", .group = terms_.group},
               "handover waits: " + obstacle);
  return step::Looking{std::move(obstacle), Clock::now() + kLookAgain};
}

Handover::Next Handover::Take(step::Looking& at) {
  if (interrupted_) {
    const std::string obstacle = at.last_obstacle.empty() ? "" : at.last_obstacle + "; ";
    return End(Kind::kRefused, obstacle + *interrupted_);
  }
  if (Clock::now() < at.not_before) return Wait{at.not_before};
  to_ = terms_.to;
  HandoverPlan plan = Look();
  if (!plan.refusal.empty() && !plan.passing) {
    Outcome outcome = End(Kind::kRefused, plan.refusal);
    outcome.is_master = plan.is_master;
    return outcome;
  }
  if (!plan.refusal.empty()) return LookAgain(std::move(plan.refusal));
  if (!possible_since_) possible_since_ = Clock::now();
  if (!plan.all_ready && Clock::now() < std::min(*possible_since_ + kAllReadyWithin, BeginBy()))
    return LookAgain("not every Sentinel knows the replica yet");
  return Prepare(std::move(plan));
}

Handover::Next Handover::Prepare(HandoverPlan plan) {
  // One of the unattached would be promoted without what it has not copied, if its priority is the better
  // one.
  if (!to_ && !plan.unattached.empty()) to_ = plan.candidates.front();
  if (!to_) return Approach(std::move(plan));
  // The preference is shown to one Sentinel, and only that one is asked.
  plan.sentinels.resize(1);
  if (const auto set = Prefer(network_.redis, *to_, plan.replicas, preference_); !set)
    return LookAgain(set.error().message);
  TimePoint seen_by = Clock::now() + kPriorityIsSeenWithin;
  if (!GoesOn()) seen_by = std::min(seen_by, std::max(BeginBy(), start_ + terms_.timeout / 2));
  return step::Preferring{std::move(plan), seen_by};
}

Handover::Next Handover::Take(step::Preferring& at) {
  if (interrupted_) return End(Kind::kRefused, *interrupted_);
  const Endpoint& sentinel = at.plan.sentinels.front();
  const auto known = sentinel::Client(network_.sentinels, sentinel).AskKnownInstances(terms_.group);
  if (known && Prefers(known->replicas, *to_)) return Approach(std::move(at.plan));
  if (Clock::now() >= at.seen_by)
    return LookAgain(
        fmt::format("timeout: Sentinel {} does not prefer {} yet", sentinel.ToAddress(), to_->ToAddress()));
  return Wait{Clock::now() + kLookAgain};
}

Handover::Next Handover::Approach(HandoverPlan plan) const {
  CatchUp catch_up(plan.replicas, to_, kSlack);
  const TimePoint by = GoesOn() ? Clock::now() + kComeClose : BeginBy();
  return step::Approaching{std::move(plan), std::move(catch_up), by};
}

Handover::Next Handover::Take(step::Approaching& at) {
  if (interrupted_) return End(Kind::kRefused, *interrupted_);
  auto seen = at.catch_up.Look(master_, network_.redis);
  if (!seen.arrived && (seen.hopeless || Clock::now() >= at.by)) return LookAgain(std::move(seen.why));
  if (!seen.arrived) return Wait{Clock::now() + kLookInterval};
  // That may have taken a while.
  HandoverPlan now = Look();
  if (!now.refusal.empty()) return LookAgain(std::move(now.refusal));
  std::erase_if(at.plan.sentinels, [&](const auto& sentinel) { return !Contains(now.sentinels, sentinel); });
  at.plan.watched = std::move(now.watched);
  if (at.plan.sentinels.empty()) return LookAgain("the chosen Sentinel can no longer run the failover");
  return PauseWrites(std::move(at.plan));
}

Handover::Next Handover::PauseWrites(HandoverPlan plan) {
  const auto paused = master_.PauseWrites(GoesOn() ? kPauseToCatchUp : terms_.timeout + kPauseMargin);
  if (!paused) {
    if (paused.error().kind != ErrorKind::kRefused && GoesOn()) master_.ReleaseWrites();
    return End(Kind::kRefused, paused.error().message);
  }
  CatchUp catch_up(plan.replicas, to_, 0);
  return step::CatchingUp{std::move(plan), std::move(catch_up), Clock::now() + kCatchUp};
}

Handover::Next Handover::Take(step::CatchingUp& at) {
  if (interrupted_) return GiveUp(Kind::kGivenUp, *interrupted_);
  auto seen = at.catch_up.Look(master_, network_.redis);
  if (!seen.arrived && (seen.hopeless || Clock::now() >= at.by))
    return GiveUp(Kind::kGivenUp, std::move(seen.why));
  if (!seen.arrived) return Wait{Clock::now() + kLookInterval};
  TimePoint deadline = start_ + terms_.timeout;
  if (GoesOn()) {
    const TimePoint first_ends_at = master_.paused_until();
    if (const auto paused = master_.PauseWrites(kPauseToFailOver); !paused)
      return GiveUp(Kind::kGivenUp, paused.error().message);
    // A client may have written in between.
    if (Clock::now() >= first_ends_at)
      return GiveUp(Kind::kGivenUp,
                    "timeout: the pause of the writes expired before the failover was requested");
    deadline = master_.paused_until() - kReleaseBefore;
  }
  return step::Ordering{
      {.awaited = {terms_.announced, std::move(seen.replication_id), seen.offset, std::move(at.plan.watched)},
       .deadline = deadline,
       .to_ask = std::move(at.plan.sentinels)}};
}

Handover::Next Handover::Take(step::Ordering& at) {
  step::Attempt& attempt = at.attempt;
  if (interrupted_ && !GoesOn()) attempt.why = *interrupted_;
  if (Clock::now() >= attempt.deadline || attempt.to_ask.empty() || (interrupted_ && !GoesOn()))
    return EndFailedAttempt(std::move(attempt));
  OrderTerms terms;
  terms.group = terms_.group;
  terms.master = terms_.announced;
  terms.sentinels = answering_;
  terms.needed = ConfirmationsNeeded(terms_.recorded, terms_.sentinels.size());
  terms.asked = attempt.to_ask;
  const auto ordered = OrderFailover(network_.sentinels, terms);
  const TimePoint now = Clock::now();
  // Where a Sentinel names another master, a replica may have been promoted.
  attempt.open = attempt.open || ordered.names_another;
  switch (ordered.kind) {
    case Ordered::Kind::kTaken:
    case Ordered::Kind::kMayBeTaken:
    case Ordered::Kind::kRunning:  // another failover is as good as ours
      break;
    case Ordered::Kind::kUnconfirmed:
    case Ordered::Kind::kLeft:
    case Ordered::Kind::kRefused:
      attempt.why = attempt.asked.empty()
                        ? "no Sentinel accepted the failover request: " + ordered.why
                        : fmt::format("{}; no other one accepted the request: {}", attempt.why, ordered.why);
      return EndFailedAttempt(std::move(attempt));
  }
  const auto taker = std::find(attempt.to_ask.begin(), attempt.to_ask.end(), ordered.sentinel);
  if (taker != attempt.to_ask.end()) attempt.to_ask.erase(attempt.to_ask.begin(), taker + 1);
  attempt.asked.push_back(ordered.sentinel);
  const TimePoint by = GoesOn() ? std::min(attempt.deadline, now + kPromotion) : attempt.deadline;
  return step::AwaitingPromotion{std::move(attempt), OrderWatch(ordered.sentinel, now), by};
}

Handover::Next Handover::Take(step::AwaitingPromotion& at) {
  step::Attempt& attempt = at.attempt;
  // Its own word comes up to a second before a Sentinel's.
  if (const auto promoted = FindPromoted(network_.redis, attempt.awaited, std::nullopt))
    return Demote(*promoted);
  const std::string asked = at.watch.asked().ToAddress();
  const auto answers = sentinel::AskSentinels(network_.sentinels, answering_, terms_.group);
  if (const auto named = FindNamed(attempt.awaited.master, WithAnswer(answers))) {
    if (const auto promoted = FindPromoted(network_.redis, attempt.awaited, named)) return Demote(*promoted);
  }
  const TimePoint now = Clock::now();
  switch (at.watch.Judge(answering_, answers, now)) {
    case OrderWatch::State::kTilted:
      attempt.why = fmt::format("Sentinel {} entered TILT after it accepted the failover request", asked);
      return BeginCallingOff(std::move(attempt), {at.watch.asked()}, at.by, true);
    case OrderWatch::State::kGone:
      attempt.why = fmt::format("Sentinel {} is no longer running", asked);
      break;
    case OrderWatch::State::kStalled:
      attempt.why = fmt::format("Sentinel {} accepted the failover request and no longer answers", asked);
      attempt.open = true;
      break;
    case OrderWatch::State::kAbandoned:
      attempt.why = fmt::format("Sentinel {} abandoned the failover", asked);
      attempt.to_ask.clear();
      return EndFailedAttempt(std::move(attempt));
    case OrderWatch::State::kWorks:
      const bool interrupted = interrupted_ && !GoesOn();
      if (now < at.by && !interrupted) return Wait{now + kLookInterval};
      attempt.why = interrupted ? *interrupted_
                    : GoesOn()  ? "timeout: no replica was promoted"
                                : "timeout: no replica was promoted (HANDOVER_TIMEOUT)";
      attempt.open = true;
      return EndFailedAttempt(std::move(attempt));
  }
  log::Warn({.event = "handover-sentinel-stalled", .group = terms_.group, .peer = asked},
            "handover stalled: {}", attempt.why);
  return step::Ordering{std::move(attempt)};
}

// What may still be carried out is called off, or waited for, before a write is accepted again.
Handover::Next Handover::EndFailedAttempt(step::Attempt attempt) {
  if (GoesOn() && attempt.open) {
    const TimePoint by = attempt.deadline;
    std::vector<Endpoint> asked = attempt.asked;
    return BeginCallingOff(std::move(attempt), std::move(asked), by, false);
  }
  return GiveUp(attempt.open ? Kind::kUndecided : Kind::kGivenUp, std::move(attempt.why));
}

step::Any Handover::BeginCallingOff(step::Attempt attempt, std::vector<Endpoint> asked, TimePoint by,
                                    bool ask_next) const {
  CallOff::Terms terms;
  terms.group = terms_.group;
  terms.sentinels = terms_.sentinels;
  terms.asked = std::move(asked);
  terms.awaited = attempt.awaited;
  auto call_off = std::make_unique<CallOff>(network_, std::move(terms));
  return step::CallingOff{std::move(attempt), std::move(call_off), by, ask_next};
}

Handover::Next Handover::Take(step::CallingOff& at) {
  auto seen = at.call_off->Look(Clock::now());
  if (seen.promoted) return Demote(*seen.promoted);
  if (seen.decided && at.ask_next) {
    log::Warn({.event = "handover-sentinel-stalled",
               .group = terms_.group,
               .peer = at.attempt.asked.back().ToAddress()},
              "handover stalled: {}", at.attempt.why);
    return step::Ordering{std::move(at.attempt)};
  }
  if (seen.decided) return GiveUp(Kind::kGivenUp, std::move(seen.why));
  const bool interrupted = interrupted_ && !GoesOn();
  if (Clock::now() < at.by && !interrupted) return Wait{Clock::now() + kLookInterval};
  // The rest of the pause is for this, whichever Sentinel was to be asked next.
  at.attempt.open = true;
  if (GoesOn() && at.by < at.attempt.deadline) return EndFailedAttempt(std::move(at.attempt));
  return GiveUp(Kind::kUndecided, interrupted ? *interrupted_ : std::move(seen.why));
}

step::Any Handover::Demote(const Endpoint& promoted) const {
  return step::Demoting{promoted, Clock::now() + (GoesOn() ? kDemote : Duration::zero())};
}

Handover::Next Handover::Take(step::Demoting& at) {
  if (Clock::now() < at.not_before) return Wait{at.not_before};
  // Released while it still is a master, the clients would write what no other has.
  if (const auto followed = master_.Follow(at.promoted); !followed) {
    at.not_before = Clock::now() + redis::kAnswerTimeout;
    if (Clock::now() < at.by) return Wait{at.not_before};
    return End(Kind::kUndecided,
               fmt::format("{} was promoted, but {} does not replicate from it: {}", at.promoted.ToAddress(),
                           terms_.announced.ToAddress(), followed.error().message));
  }
  master_.ReleaseWrites();
  Outcome outcome = End(Kind::kDone, "");
  outcome.told = fmt::format("handed over to {} in {} ms", at.promoted.ToAddress(), outcome.took.count());
  outcome.promoted = at.promoted;
  return outcome;
}

}  // namespace redis_zk::failover
