#include "redis-wrapper/give_way.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <tuple>
#include <vector>

#include "base/random_id.h"
#include "base/unix_time.h"

namespace redis_zk::redis_wrapper {

namespace {

constexpr Duration kLookEvery = 2s;
// The handover waits for the rest, in bytes, before and while it pauses writes.
constexpr std::int64_t kSlack = 1'000'000;
// A replica that copies the data, or has just come, is fit sooner in most cases.
constexpr Duration kUnfitFor = 30s;
// A handover that failed may have paused writes for a moment.
constexpr Duration kTryAgain = 10s;
constexpr Duration kTryAgainAtLast = 10min;

}  // namespace

GiveWay::GiveWay(const WrapperOptions& options, const redis::Network& network, redis::KeptServer& own_server,
                 const Membership& membership, const Lookup& lookup, store::Registry& registry,
                 daemon::Reporter& reporter)
    : options_(options),
      network_(network),
      own_server_(own_server),
      membership_(membership),
      lookup_(lookup),
      registry_(registry),
      reporter_(reporter),
      backoff_(kTryAgain, kTryAgainAtLast, RandomFraction) {}

void GiveWay::Check(const redis::ServerInfo& own) {
  if (handover_ || Clock::now() < look_at_ || !IsDue(own)) return;
  look_at_ = Clock::now() + kLookEvery;
  const Successors found = FindSuccessors(own);
  if (!PriorityIsInForce()) return;
  TellUnfit(found);
  if (!found.best) return;
  terms_.emplace(failover::Handover::Terms{.group = options_.common.master_name,
                                           .server = options_.server.bind,
                                           .own = &own_server_,
                                           .announced = membership_.self().endpoint,
                                           .sentinels = lookup_.sentinels(),
                                           .to = found.others ? found.best : std::nullopt,
                                           .recorded = true,
                                           .after_failure = failover::Handover::AfterFailure::kItGoesOn});
  handover_.emplace(network_, *terms_);
}

bool GiveWay::IsDue(const redis::ServerInfo& own) {
  return own.role == redis::Role::kMaster && membership_.self().priority == store::kNeverPromoted &&
         membership_.IsRecorded() && membership_.IsCurrent();
}

bool GiveWay::IsMember(const Endpoint& replica) const {
  const auto& members = lookup_.others();
  return std::any_of(members.begin(), members.end(),
                     [&replica](const auto& member) { return MayBeSame(member, replica); });
}

GiveWay::Successors GiveWay::FindSuccessors(const redis::ServerInfo& own) {
  std::vector<Endpoint> online;
  for (const auto& replica : own.replicas) {
    if (replica.online) online.push_back(replica.endpoint);
  }
  const auto infos = network_.redis.AskInfos(online);
  const auto rank = [&infos](std::size_t i) { return std::tuple(infos[i]->priority, -infos[i]->offset); };
  Successors found;
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < online.size(); ++i) {
    const auto& info = infos[i];
    if (!info || info->role != redis::Role::kReplica || info->priority == store::kNeverPromoted) continue;
    const bool holds_all = info->link_up && !info->loading && !info->synchronising &&
                           info->replication_id == own.replication_id && own.offset - info->offset <= kSlack;
    if (!holds_all || !IsMember(online[i])) {
      found.others = true;
      found.unfit = fmt::format(
          "{} {}", online[i].ToAddress(),
          holds_all ? "is not registered as a serving member of the group" : "lacks a part of its data");
    } else if (!best || rank(i) < rank(*best)) {
      best = i;
    }
  }
  if (best) found.best = online[*best];
  return found;
}

bool GiveWay::PriorityIsInForce() {
  const auto found = own_server_.Ask({{"CONFIG", "GET", "replica-priority"}});
  if (!found || found->front().items.size() != 2) return true;
  return found->front().items[1].text == "0";
}

void GiveWay::TellUnfit(const Successors& found) {
  if (found.best || found.unfit.empty()) {
    unfit_since_.reset();
    return;
  }
  if (!unfit_since_) unfit_since_ = Clock::now();
  if (Clock::now() - *unfit_since_ < kUnfitFor) return;
  log_failure_(
      log::Severity::kWarn, {.event = "priority-zero-stays"},
      fmt::format("this master has replica-priority 0 and cannot hand over, retrying: {}", found.unfit));
}

std::optional<TimePoint> GiveWay::Step() {
  if (!handover_) return std::nullopt;
  const auto wake = handover_->Step();
  if (wake) return wake;
  TellOutcome(handover_->outcome());
  handover_.reset();
  terms_.reset();
  return std::nullopt;
}

void GiveWay::Interrupt(const std::string& why) {
  if (handover_) handover_->Interrupt(why);
}

void GiveWay::TellOutcome(const failover::Handover::Outcome& outcome) {
  const bool done = outcome.kind == failover::Handover::Outcome::Kind::kDone;
  reporter_.NoteHandover(done, outcome.told);
  if (!done) {
    look_at_ = Clock::now() + backoff_.Next();
    log_failure_(log::Severity::kWarn, {.event = "priority-zero-stays"},
                 fmt::format("this master has replica-priority 0 and could not hand over, retrying: {}",
                             outcome.told));
    return;
  }
  log_failure_.Reset();
  backoff_.Reset();
  const std::string sentence =
      fmt::format("handed over to {}, because this master has replica-priority 0: {}",
                  outcome.promoted.ToAddress(), outcome.told);
  log::Info({.event = "priority-zero-gave-way", .peer = outcome.promoted.ToAddress()}, "{}", sentence);
  registry_.event_log.Add({.time = UnixTime(),
                           .group = options_.common.master_name,
                           .kind = "priority-zero-gave-way",
                           .sentence = fmt::format("{}: {} {}", options_.common.master_name,
                                                   membership_.self().endpoint.ToAddress(), sentence),
                           .by = options_.name()});
}

}  // namespace redis_zk::redis_wrapper
