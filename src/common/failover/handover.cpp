#include "failover/handover.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "failover/preference.h"
#include "sentinel/client.h"

namespace redis_zk::failover {

namespace {

using Kind = Handover::Outcome::Kind;

constexpr const char* kIsReplica = "this node is a replica";
constexpr const char* kAskedAtOnce = "interrupted by a second stop request";

// How often the servers are looked at while everybody waits for them.
constexpr Duration kLookInterval = 5ms;
// How often everything is looked at while writes go on.
constexpr Duration kLookAgain = 100ms;
// How long a master may be slow before it counts as one that stands still.
constexpr Duration kSlowAnswers = 2s;
// How long the handover waits for the other Sentinels to learn what one knows.
constexpr Duration kAllReadyWithin = 1s;
// How long a Sentinel that took the order may seem to do nothing.
constexpr Duration kSentinelPatience = 1s;
// One that was silent for this long stood still, and enters TILT before it does anything (sentinel.c,
// sentinel_tilt_trigger, 2 s): what it was ordered to waits for half a minute, and for the next
// configuration.
constexpr Duration kStoodStill = 3s;
// A replica that was told to be a master is one in an instant.
constexpr Duration kPromotionArrives = 500ms;

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
constexpr Duration kAtOnce = 1ms;

Duration Since(TimePoint start) { return std::chrono::duration_cast<Duration>(Clock::now() - start); }

std::vector<sentinel::SentinelReport> AnsweredReports(redis::Servers& servers,
                                                      const std::vector<sentinel::Peer>& sentinels,
                                                      const std::string& group) {
  std::vector<sentinel::SentinelReport> reports;
  for (auto& report : sentinel::AskSentinels(servers, sentinels, group)) {
    if (report) reports.push_back(std::move(*report));
  }
  return reports;
}

template <class Range>
bool Contains(const Range& range, const Endpoint& endpoint) {
  return std::find(range.begin(), range.end(), endpoint) != range.end();
}

const sentinel::SentinelReport* FindReport(const Endpoint& sentinel,
                                           const std::vector<sentinel::SentinelReport>& reports) {
  const auto found = std::find_if(reports.begin(), reports.end(),
                                  [&](const auto& report) { return report.sentinel == sentinel; });
  return found == reports.end() ? nullptr : &*found;
}

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

bool IsFailingOver(const std::vector<sentinel::SentinelReport>& reports) {
  return std::any_of(reports.begin(), reports.end(),
                     [](const auto& report) { return report.failover_in_progress; });
}

}  // namespace

HandoverPlan PlanHandover(const HandoverView& view) {
  HandoverPlan plan;
  const auto refuse = [&plan](bool passing, std::string why) {
    plan.refusal = std::move(why);
    plan.passing = passing;
    return plan;
  };
  if (view.master.role != redis::Role::kMaster) return refuse(false, kIsReplica);
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
  // See sentinel_client.h, RequestFailover.
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

Status DisconnectClients(redis::Servers& servers, const Endpoint& server) {
  return servers.Order(server, {"CLIENT", "KILL", "TYPE", "normal"});
}

Handover::Handover(const redis::Network& network, const Terms& terms, Pause pause)
    : network_(network), terms_(terms), pause_(std::move(pause)), start_(Clock::now()), to_(terms.to) {}

Handover::Outcome Handover::End(Kind kind, std::string told) const {
  Outcome outcome{.kind = kind, .told = std::move(told), .took = Since(start_)};
  const TimePoint released_at = released_at_ == TimePoint{} ? Clock::now() : released_at_;
  if (paused_at_ != TimePoint{})
    outcome.paused = std::chrono::duration_cast<Duration>(released_at - paused_at_);
  return outcome;
}

Result<redis::Reply> Handover::AskMaster(const redis::Command& command) const {
  const auto replies =
      terms_.own != nullptr ? terms_.own->Ask({command}) : network_.redis.Ask(terms_.server, {command});
  if (!replies) return tl::unexpected(replies.error());
  if (replies->front().is_error())
    return Fail(ErrorKind::kRefused, fmt::format("{}: {}", command.front(), replies->front().text));
  return replies->front();
}

Result<redis::ServerInfo> Handover::AskMasterInfo() const {
  if (terms_.own != nullptr) return terms_.own->AskInfo();
  return network_.redis.AskInfo(terms_.server);
}

Status Handover::PauseWrites(Duration duration) {
  const TimePoint asked_at = Clock::now();
  if (paused_at_ == TimePoint{}) paused_at_ = asked_at;
  const auto paused = AskMaster({"CLIENT", "PAUSE", std::to_string(duration.count()), "WRITE"});
  if (!paused) return tl::unexpected(paused.error());
  paused_until_ = asked_at + duration;
  return {};
}

void Handover::Release() {
  released_at_ = Clock::now();
  // If it does not answer, the pause ends by itself.
  if (const auto released = AskMaster({"CLIENT", "UNPAUSE"}); !released)
    log::Warn({.event = "writes-not-resumed", .group = terms_.group, .peer = terms_.server.ToAddress()},
              "cannot resume writes on {}: {}; they stay paused for up to {} s", terms_.server.ToAddress(),
              released.error().message, Remaining(paused_until_, released_at_) / 1s);
}

TimePoint Handover::BeginBy() const {
  if (GoesOn()) return start_ + kBeginWithin;
  return start_ + terms_.timeout - std::min(kFailoverTakes, terms_.timeout / 2) - kCatchUp;
}

HandoverPlan Handover::Look() {
  const auto master = AskMasterInfo();
  if (!master) {
    const bool slow = master.error().kind == ErrorKind::kTimeout && Since(start_) < kSlowAnswers;
    return {.refusal = master.error().message, .passing = slow || redis::IsFull(master.error())};
  }
  HandoverView view{.master = *master,
                    .announced = terms_.announced,
                    .registered = terms_.sentinels.size(),
                    .needed = terms_.recorded ? 1 : terms_.sentinels.size() / 2 + 1,
                    .to = to_};
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

Handover::Outcome Handover::Run() {
  std::optional<TimePoint> possible_since;
  while (true) {
    to_ = terms_.to;
    HandoverPlan plan = Look();
    Outcome outcome = End(Kind::kRefused, plan.refusal);
    if (plan.refusal.empty() && !possible_since) possible_since = Clock::now();
    if (plan.refusal.empty() && !plan.all_ready &&
        Clock::now() < std::min(*possible_since + kAllReadyWithin, BeginBy())) {
      outcome.told = "not every Sentinel knows the replica yet";
    } else if (plan.refusal.empty()) {
      outcome = Prepare(std::move(plan));
      if (outcome.kind != Kind::kRefused || refused_for_good_) return outcome;
    } else if (!plan.passing) {
      outcome.is_master = plan.refusal != kIsReplica;
      return outcome;
    }
    if (Clock::now() >= BeginBy() || outcome.told == kAskedAtOnce) return outcome;
    log_waiting_(log::Severity::kInfo, {.event = "handover-waiting", .group = terms_.group},
                 "handover waits: " + outcome.told);
    if (!pause_(Clock::now() + kLookAgain)) {
      outcome.told += fmt::format("; {}", kAskedAtOnce);
      return outcome;
    }
  }
}

Handover::Outcome Handover::Prepare(HandoverPlan plan) {
  // One of the unattached would be promoted without what it has not copied, if its priority is the better
  // one.
  if (!to_ && !plan.unattached.empty()) to_ = plan.candidates.front();
  if (!to_) return CarryOut(std::move(plan));
  // The preference is shown to one Sentinel, and only that one is asked.
  plan.sentinels.resize(1);
  const TimePoint shown_by = GoesOn() ? TimePoint::max() : std::max(BeginBy(), start_ + terms_.timeout / 2);
  const auto pause = [&](TimePoint until) { return Clock::now() < shown_by && pause_(until); };
  const Preference preference(network_, terms_.group, *to_);
  if (const auto preferred = preference.Set(plan.replicas, plan.sentinels.front(), pause); !preferred) {
    return End(Kind::kRefused, Clock::now() < shown_by
                                   ? preferred.error().message
                                   : fmt::format("timeout: Sentinel {} does not prefer {} yet",
                                                 plan.sentinels.front().ToAddress(), to_->ToAddress()));
  }
  return CarryOut(std::move(plan));
}

Handover::Outcome Handover::CarryOut(HandoverPlan plan) {
  const TimePoint close_by = GoesOn() ? Clock::now() + kComeClose : BeginBy();
  if (auto why = AwaitReplicas(plan.replicas, kSlack, close_by); !why.empty())
    return End(Kind::kRefused, std::move(why));
  // That may have taken a while.
  const HandoverPlan now = Look();
  if (!now.refusal.empty()) return End(Kind::kRefused, now.refusal);
  std::erase_if(plan.sentinels, [&](const auto& sentinel) { return !Contains(now.sentinels, sentinel); });
  if (plan.sentinels.empty())
    return End(Kind::kRefused, "the chosen Sentinel can no longer run the failover");
  if (const auto paused = PauseWrites(GoesOn() ? kPauseToCatchUp : terms_.timeout + kPauseMargin); !paused) {
    if (paused.error().kind != ErrorKind::kRefused && GoesOn()) Release();
    refused_for_good_ = true;
    return End(Kind::kRefused, paused.error().message);
  }
  TimePoint deadline = start_ + terms_.timeout;
  std::string why = AwaitReplicas(plan.replicas, 0, Clock::now() + kCatchUp);
  if (why.empty() && GoesOn()) {
    const TimePoint first_ends_at = paused_until_;
    if (const auto paused = PauseWrites(kPauseToFailOver); !paused) {
      why = paused.error().message;
    } else if (Clock::now() >= first_ends_at) {
      // Somebody may have written in between.
      why = "timeout: the pause of the writes expired before the failover was requested";
    }
    deadline = paused_until_ - kReleaseBefore;
  }
  if (!why.empty()) {
    // Not released where it stops: Sentinel may have promoted one meanwhile, and what is written here now
    // would be lost.
    if (GoesOn()) Release();
    return End(Kind::kGivenUp, std::move(why));
  }
  return Order(plan, deadline);
}

sentinel::Peer Handover::PeerAt(const Endpoint& sentinel) const {
  return *std::find_if(terms_.sentinels.begin(), terms_.sentinels.end(),
                       [&](const auto& peer) { return peer.endpoint == sentinel; });
}

Handover::Outcome Handover::Order(const HandoverPlan& plan, TimePoint deadline) {
  std::vector<Endpoint> asked;
  bool open = false;  // one that was asked may still act
  Promotion promotion{.decided = true, .why = "no Sentinel accepted the failover request"};
  for (const auto& sentinel : plan.sentinels) {
    if (Clock::now() >= deadline) break;
    const auto reports = AnsweredReports(network_.sentinels, {PeerAt(sentinel)}, terms_.group);
    // Silent, or in TILT since we looked: it would carry the order out when nobody expects it any more.
    if (reports.empty() || reports.front().tilt) {
      promotion.why = fmt::format("no Sentinel accepted the failover request: {} {}", sentinel.ToAddress(),
                                  reports.empty() ? "does not answer" : "is in TILT");
      continue;
    }
    const auto ordered = sentinel::Client(network_.sentinels, sentinel).RequestFailover(terms_.group);
    // The order may have arrived although the answer did not, and another failover is as good as ours: then
    // no other Sentinel may be asked.
    if (!ordered && ordered.error().kind == ErrorKind::kRefused &&
        !sentinel::IsFailoverRunning(ordered.error())) {
      promotion.why = "no Sentinel accepted the failover request: " + ordered.error().message;
      continue;
    }
    asked.push_back(sentinel);
    promotion =
        AwaitPromotion(plan, sentinel, GoesOn() ? std::min(deadline, Clock::now() + kPromotion) : deadline);
    if (promotion.promoted || !promotion.stalled) break;
    open = open || !promotion.decided;
    log::Warn({.event = "handover-sentinel-stalled", .group = terms_.group, .peer = sentinel.ToAddress()},
              "handover stalled: {}", promotion.why);
  }
  // What may still be carried out is called off, or waited for, before a write is accepted again.
  if (!promotion.promoted && GoesOn() && (open || !promotion.decided))
    promotion = EndFailover(plan, asked, deadline);
  if (promotion.promoted) return Finish(*promotion.promoted);
  if (GoesOn()) Release();
  return End(promotion.decided ? Kind::kGivenUp : Kind::kUndecided, promotion.why);
}

Handover::Outcome Handover::Finish(const Endpoint& promoted) {
  // Released while it still is a master, the clients would write what no other has.
  if (const auto followed = Demote(promoted); !followed) {
    return End(Kind::kUndecided,
               fmt::format("{} was promoted, but {} does not replicate from it: {}", promoted.ToAddress(),
                           terms_.announced.ToAddress(), followed.error().message));
  }
  Release();
  auto outcome = End(Kind::kDone, "");
  outcome.told = fmt::format("handed over to {} in {} ms", promoted.ToAddress(), outcome.took.count());
  outcome.promoted = promoted;
  return outcome;
}

std::string Handover::AwaitReplicas(const std::vector<Endpoint>& replicas, std::int64_t slack,
                                    TimePoint deadline) const {
  // Beyond this everybody has to come: who is near by, and stands still, would not arrive within a pause.
  std::optional<std::int64_t> beginning;
  while (true) {
    const auto master = AskMasterInfo();
    if (!master) return master.error().message;
    if (!beginning) beginning = master->offset;
    std::vector<Endpoint> attached;
    for (const auto& replica : master->replicas) {
      if (std::find(replicas.begin(), replicas.end(), replica.endpoint) != replicas.end())
        attached.push_back(replica.endpoint);
    }
    if (to_ && std::find(attached.begin(), attached.end(), *to_) == attached.end())
      return fmt::format("replica {} is no longer attached", to_->ToAddress());
    if (attached.empty()) return "no replica is attached any more";
    std::string behind;
    const auto infos = network_.redis.AskInfos(attached);
    for (std::size_t i = 0; i < attached.size(); ++i) {
      if (!infos[i]) {
        behind = infos[i].error().message;
      } else if (infos[i]->offset < std::max(*beginning, master->offset - slack)) {
        behind = fmt::format("replica {} is {} bytes behind", attached[i].ToAddress(),
                             master->offset - infos[i]->offset);
      }
    }
    if (behind.empty()) return "";
    if (Clock::now() >= deadline) return behind;
    if (!pause_(Clock::now() + kLookInterval)) return kAskedAtOnce;
  }
}

std::optional<Endpoint> Handover::FindPromoted(const HandoverPlan& plan) const {
  std::vector<Endpoint> promotable = plan.replicas;
  promotable.insert(promotable.end(), plan.unattached.begin(), plan.unattached.end());
  const auto infos = network_.redis.AskInfos(promotable);
  for (std::size_t i = 0; i < promotable.size(); ++i) {
    if (infos[i] && infos[i]->role == redis::Role::kMaster) return promotable[i];
  }
  return std::nullopt;
}

Handover::Promotion Handover::AwaitPromotion(const HandoverPlan& plan, const Endpoint& asked,
                                             TimePoint deadline) const {
  TimePoint working_at = Clock::now();
  TimePoint heard_at = working_at;
  while (true) {
    if (const auto promoted = FindPromoted(plan)) return {.promoted = promoted};
    const auto answers = sentinel::AskSentinels(network_.sentinels, answering_, terms_.group);
    std::vector<sentinel::SentinelReport> reports;
    bool gone = false;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      if (answers[i]) reports.push_back(*answers[i]);
      if (answering_[i].endpoint == asked)
        gone = !answers[i] && answers[i].error().kind != ErrorKind::kTimeout;
    }
    const auto* report = FindReport(asked, reports);
    const TimePoint now = Clock::now();
    if (report != nullptr) heard_at = now;
    if (report != nullptr && report->tilt && report->failover_in_progress) {
      auto called_off = EndFailover(plan, {asked}, deadline);
      called_off.stalled = called_off.decided;
      return called_off;
    }
    // The order of one whose process is gone is gone with it, once what it had sent has arrived.
    if (gone && now - heard_at > kPromotionArrives)
      return {.decided = true,
              .stalled = true,
              .why = fmt::format("Sentinel {} is no longer running", asked.ToAddress())};
    if (now - heard_at > kStoodStill)
      return {.stalled = true,
              .why = fmt::format("Sentinel {} accepted the failover request and no longer answers",
                                 asked.ToAddress())};
    // Of one that is silent nobody knows what it does.
    if (IsFailingOver(reports) || report == nullptr) working_at = now;
    if (now - working_at > kSentinelPatience) {
      return {.decided = true, .why = fmt::format("Sentinel {} abandoned the failover", asked.ToAddress())};
    }
    if (now >= deadline) {
      return {.why = GoesOn() ? "timeout: no replica was promoted"
                              : "timeout: no replica was promoted (HANDOVER_TIMEOUT)"};
    }
    if (!pause_(now + kLookInterval) && !GoesOn()) return {.why = kAskedAtOnce};
  }
}

Handover::Promotion Handover::EndFailover(const HandoverPlan& plan, const std::vector<Endpoint>& asked,
                                          TimePoint deadline) const {
  std::map<Endpoint, Duration> before;  // failover-timeout of those where it was changed
  Promotion ended;
  while (true) {
    std::vector<sentinel::SentinelReport> reports;
    std::string open;  // why it is not decided
    const auto answers = sentinel::AskSentinels(network_.sentinels, terms_.sentinels, terms_.group);
    for (std::size_t i = 0; i < answers.size(); ++i) {
      const Endpoint& sentinel = terms_.sentinels[i].endpoint;
      if (answers[i]) {
        reports.push_back(*answers[i]);
      } else if (answers[i].error().kind == ErrorKind::kTimeout && Contains(asked, sentinel)) {
        open =
            fmt::format("Sentinel {}, which accepted the request, does not answer and may still promote one",
                        sentinel.ToAddress());
      }
    }
    for (const auto& report : reports) {
      if (!report.failover_in_progress) continue;
      open = "the failover is still running";
      if (report.tilt) {
        Withdraw(plan, report.sentinel);
      } else if (!before.contains(report.sentinel) && sentinel::Client(network_.sentinels, report.sentinel)
                                                          .SetFailoverTimeout(terms_.group, kAtOnce)) {
        before[report.sentinel] = report.failover_timeout;
      }
    }
    // It may have been quicker.
    ended.promoted = FindPromoted(plan);
    for (const auto& report : reports) {
      if (!ended.promoted && report.master != terms_.announced) ended.promoted = report.master;
    }
    ended.decided = open.empty();
    ended.why =
        "timeout: no replica was promoted, and " + (open.empty() ? "the failover was cancelled" : open);
    if (ended.promoted || ended.decided || Clock::now() >= deadline) break;
    if (!pause_(Clock::now() + kLookInterval) && !GoesOn()) break;
  }
  for (const auto& [sentinel, failover_timeout] : before) {
    const auto restored =
        sentinel::Client(network_.sentinels, sentinel).SetFailoverTimeout(terms_.group, failover_timeout);
    if (!restored)
      log::Error(
          {.event = "failover-timeout-not-restored", .group = terms_.group, .peer = sentinel.ToAddress()},
          "cannot restore failover-timeout of Sentinel {}, now {} ms: {}; run SENTINEL SET {} "
          "failover-timeout {} there",
          sentinel.ToAddress(), kAtOnce.count(), restored.error().message, terms_.group,
          failover_timeout.count());
  }
  return ended;
}

void Handover::Withdraw(const HandoverPlan& plan, const Endpoint& sentinel) const {
  // A failover-timeout does not end one that has not begun, and TILT outlasts every pause of ours.
  const auto known = sentinel::Client(network_.sentinels, sentinel).AskKnownInstances(terms_.group);
  if (!known) return;
  const bool chosen = std::any_of(known->replicas.begin(), known->replicas.end(),
                                  [](const auto& replica) { return replica.promoted; });
  if (chosen) {
    // It may have told the replica already.
    pause_(Clock::now() + kPromotionArrives);
    if (FindPromoted(plan)) return;
  }
  const auto reset = sentinel::Client(network_.sentinels, sentinel).RequestReset(terms_.group);
  if (reset) {
    log::Warn(
        {.event = "failover-withdrawn", .group = terms_.group, .peer = sentinel.ToAddress()},
        "withdrew the failover request by SENTINEL RESET: Sentinel {} entered TILT before the failover began",
        sentinel.ToAddress());
  } else {
    log::Warn({.event = "failover-withdrawal-failed", .group = terms_.group, .peer = sentinel.ToAddress()},
              "cannot withdraw the failover request from Sentinel {}, which is in TILT: {}; retrying",
              sentinel.ToAddress(), reset.error().message);
  }
}

Status Handover::Demote(const Endpoint& promoted) const {
  const TimePoint deadline = Clock::now() + (GoesOn() ? kDemote : Duration::zero());
  while (true) {
    const auto followed = AskMaster({"REPLICAOF", promoted.host, std::to_string(promoted.port)});
    if (followed) return {};
    if (Clock::now() >= deadline) return tl::unexpected(followed.error());
    pause_(Clock::now() + redis::kAnswerTimeout);
  }
}

}  // namespace redis_zk::failover
