#include "redis-wrapper/recoverer.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "sentinel/client.h"
#include "store/ownership.h"
#include "store/sentinel_id.h"

namespace redis_zk::redis_wrapper {

namespace {

using RecoveryAction = RecoveryDecision::Action;
using zookeeper::Watch;

// At first Sentinels act, and what comes of it shows from one moment to the next.
constexpr Duration kLookSoonFor = 5s;
constexpr Duration kLookSoon = 250ms;
constexpr Duration kLookLateEvery = 1s;

// The masters that Sentinels name, but for those in `others`; without this node.
std::vector<Endpoint> NamedBeside(const std::vector<Endpoint>& others, const RecoveryView& view) {
  std::vector<Endpoint> named;
  for (const auto& witness : view.sentinels) {
    if (!witness.report) continue;
    const Endpoint& master = witness.report->master;
    if (master != view.self && !Contains(others, master) && !Contains(named, master)) named.push_back(master);
  }
  return named;
}

store::NextRecord NextRecordOf(const Endpoint& self, const RecoveryDecision& decision) {
  return {.master = self,
          .epoch = decision.epoch,
          .reason = decision.reason,
          .origin = store::Origin::kUnelected};
}

}  // namespace

Recoverer::Recoverer(const WrapperOptions& options, const redis::Network& network,
                     zookeeper::Session& session, store::Registry& registry, Lookup& lookup,
                     zookeeper::Lock& lock, redis::KeptServer& own_server)
    : options_(options),
      network_(network),
      session_(session),
      registry_(registry),
      lookup_(lookup),
      lock_(lock),
      own_server_(own_server) {}

std::optional<store::Record> Recoverer::Check(const redis::ServerInfo& own, bool holds_copy, bool is_recorded,
                                              const store::Pause* pause) {
  const bool is_master = own.role == redis::Role::kMaster;
  const bool settled = is_master ? is_recorded : own.synchronising || HearsMaster(own);
  if ((settled && !owed_) || options_.recovery_patience == Duration::zero() || !session_.connected()) {
    quiet_.Reset();
    begun_at_.reset();
    log_decision_.Reset();
    wait_.reset();
    return std::nullopt;
  }
  // One that is recorded already is seen through.
  if (pause != nullptr && !owed_) {
    quiet_.Reset();
    wait_ = {
        .name = "paused",
        .sentence = fmt::format("not promoting this node: automatic changes are {}; resume them with POST "
                                "/resume, or fail over by hand",
                                Describe(*pause))};
    return std::nullopt;
  }
  const TimePoint now = Clock::now();
  if (!begun_at_) begun_at_ = now;
  if (now < look_at_) return std::nullopt;
  look_at_ = now + (now - *begun_at_ < kLookSoonFor ? kLookSoon : kLookLateEvery);
  const auto view = Look(own, holds_copy);
  if (!view) {
    quiet_.NoteMissed();
    log_decision_(log::Severity::kWarn, {.event = "recovery-failed"},
                  "cannot look whether this node is to be promoted, retrying: " + view.error().message);
    wait_ = {.name = "recovery",
             .sentence = "cannot look whether this node is to be promoted, retrying: " + view.error().message,
             .told = true};
    return std::nullopt;
  }
  Result<RecoveryDecision> decision = DecideRecovery(*view, Clock::now());
  if (decision->action == RecoveryAction::kTakeLock) decision = DecideUnderLock(holds_copy);
  if (!decision) {
    log_decision_(log::Severity::kWarn, {.event = "recovery-failed"},
                  "cannot promote this node, retrying: " + decision.error().message);
    wait_ = {.name = "recovery",
             .sentence = "cannot promote this node, retrying: " + decision.error().message,
             .told = true};
    return std::nullopt;
  }
  Say(*decision);
  const bool due =
      decision->action == RecoveryAction::kPromote || decision->action == RecoveryAction::kFinish;
  if (!due) return std::nullopt;
  if (const auto promoted = Promote(*decision, own.role); !promoted) {
    log_decision_(log::Severity::kError, {.event = "promotion-failed", .epoch = decision->epoch},
                  "this node is the recorded master, but redis-server does not take REPLICAOF NO ONE, "
                  "retrying: " +
                      promoted.error().message);
    wait_ = {.name = "recovery",
             .sentence = "the promotion of this node failed, retrying: " + promoted.error().message,
             .told = true};
    return std::nullopt;
  }
  quiet_.Reset();
  owed_.reset();
  auto record = store::Replaced(view->record, NextRecordOf(view->self, *decision));
  registry_.event_log.Add(
      store::MasterChanged(options_.common.master_name, view->record, record, options_.name()));
  return record;
}

Result<RecoveryView> Recoverer::Look(const redis::ServerInfo& own, bool holds_copy) {
  RecoveryView view{.self = options_.server.announce,
                    .own = own,
                    .holds_copy = holds_copy,
                    .patience = PatienceFor(options_.recovery_patience, options_.fence_patience)};
  const std::string& group = options_.common.master_name;
  auto record = registry_.records.Read(group, Watch::kYes);
  if (!record) return tl::unexpected(record.error());
  view.record = std::move(*record);
  const bool passed = owed_ && (view.record.epoch > owed_->epoch ||
                                (view.record.epoch == owed_->epoch && view.record.master != view.self));
  if (passed || own.role == redis::Role::kMaster) owed_.reset();
  if (owed_ && view.record.master == view.self && view.record.epoch == owed_->epoch)
    view.owed_from = owed_->from;
  if (const auto asked = AskPeers(view); !asked) return tl::unexpected(asked.error());
  view.quiet_since = quiet_.Note(view, Clock::now());
  view.idle_since = quiet_.idle_since();
  return view;
}

Status Recoverer::AskPeers(RecoveryView& view) {
  const std::string& group = options_.common.master_name;
  const auto sentinels = registry_.sentinels.List(Watch::kNo);
  if (!sentinels) return tl::unexpected(sentinels.error());
  const auto members = registry_.members.List(group, Watch::kNo);
  if (!members) return tl::unexpected(members.error());
  const auto marks = lookup_.ReadMarks(
      {.replication_id = view.own.replication_id, .previous_id = view.own.previous_replication_id});
  if (!marks) return tl::unexpected(marks.error());
  view.history = marks->history;

  view.highest_epoch = view.record.epoch;
  const auto peers = store::PeersIn(*sentinels);
  auto answers = sentinel::AskAboutGroups(network_.sentinels, peers, {group});
  for (std::size_t i = 0; i < peers.size(); ++i) {
    auto& witness = view.sentinels.emplace_back(RecoveryView::Witness{peers[i].endpoint, std::nullopt});
    auto& answer = answers[i].front();
    if (!answer) continue;
    view.highest_epoch = std::max(view.highest_epoch, answer->report.config_epoch);
    witness.report = std::move(answer->report);
    witness.replicas = std::move(answer->replicas);
  }

  AskVotes(view);

  std::vector<Endpoint> asked{view.record.master};
  for (const auto& member : *members) {
    if (member.endpoint != view.self) asked.push_back(member.endpoint);
  }
  // Whom only a Sentinel names is told no password.
  const std::vector<Endpoint> named = NamedBeside(asked, view);
  auto infos = network_.redis.AskInfos(asked);
  const auto note_stranger = [&](const Endpoint& master, const Result<redis::ServerInfo>& info) {
    // Until it has loaded them, a server does not say what its data are called.
    if (info && !info->loading && !store::BelongsToGroup(*info, *marks)) view.strangers.insert(master);
  };
  note_stranger(view.record.master, infos.front());
  const auto named_infos = network_.redis.WithoutCredentials().AskInfos(named);
  for (std::size_t i = 0; i < named.size(); ++i) note_stranger(named[i], named_infos[i]);
  if (infos.front() && !view.strangers.contains(view.record.master)) view.recorded = *infos.front();
  std::size_t next = 1;
  for (const auto& member : *members) {
    if (member.endpoint == view.self) continue;
    auto& info = infos[next++];
    view.members.push_back({member, info ? std::optional(std::move(*info)) : std::nullopt});
  }
  return {};
}

// An election that came to nothing has used up its epoch all the same.
void Recoverer::AskVotes(RecoveryView& view) const {
  std::vector<Endpoint> voters;
  for (const auto& witness : view.sentinels) voters.push_back(witness.sentinel);
  const auto votes = sentinel::AskVotes(network_.sentinels, voters, view.record.master);
  for (std::size_t i = 0; i < voters.size(); ++i) {
    if (!votes[i]) continue;
    view.sentinels[i].vote = *votes[i];
    view.highest_epoch = std::max(view.highest_epoch, votes[i]->epoch);
  }
}

Result<RecoveryDecision> Recoverer::DecideUnderLock(bool holds_copy) {
  const auto held = lock_.Acquire();
  if (!held) return tl::unexpected(held.error());
  auto decision = *held ? LookAgain(holds_copy)
                        : RecoveryDecision{
                              .action = RecoveryAction::kWait,
                              .reason = "another node of the group holds the lock; waiting until it is free"};
  // Whatever came of it: the next look begins anew, and a lock that is half taken stands in others' way.
  if (const auto released = lock_.Release(); !released)
    log::Debug({.event = "zookeeper-request-failed"}, "{}", released.error().message);
  return decision;
}

Result<RecoveryDecision> Recoverer::LookAgain(bool holds_copy) {
  const auto own = own_server_.AskInfo();
  if (!own) return tl::unexpected(own.error());
  auto view = Look(*own, holds_copy);
  if (!view) return tl::unexpected(view.error());
  // What Sentinels that are gone may have voted in matters only to who promotes.
  const auto identities = registry_.identities.List();
  if (!identities && identities.error().kind != ErrorKind::kNotFound)
    return tl::unexpected(identities.error());
  if (identities) view->highest_epoch = store::FleetEpoch(*identities, view->highest_epoch);
  view->locked = true;
  auto decision = DecideRecovery(*view, Clock::now());
  if (decision.action != RecoveryAction::kPromote) return decision;
  if (const auto tried = TryOut(*own); !tried) return tl::unexpected(tried.error());
  // Also where the answer is lost: it may have been written.
  owed_ = {view->record.master, decision.epoch};
  if (const auto recorded = Record(*view, decision); !recorded) return tl::unexpected(recorded.error());
  return decision;
}

// Of the master that it has already, Redis does nothing but answer.
Status Recoverer::TryOut(const redis::ServerInfo& own) {
  const auto now = own_server_.AskInfo();
  if (!now) return tl::unexpected(now.error());
  // The look took its time, and another node may have been quicker.
  if (now->role != own.role || now->master != own.master || HearsMaster(*now))
    return Fail(ErrorKind::kUnavailable, "its role or its link has just changed");
  if (own.role == redis::Role::kMaster) return {};
  return own_server_.Order({"REPLICAOF", own.master.host, std::to_string(own.master.port)});
}

Status Recoverer::Record(const RecoveryView& view, const RecoveryDecision& decision) {
  return registry_.records.Write(options_.common.master_name, view.record, NextRecordOf(view.self, decision),
                                 lock_.node());
}

Status Recoverer::Promote(const RecoveryDecision& decision, redis::Role role) {
  if (role == redis::Role::kReplica) {
    if (auto promoted = own_server_.Order({"REPLICAOF", "NO", "ONE"}); !promoted) return promoted;
  }
  log::Warn({.event = "recovered", .epoch = decision.epoch}, "recovered: this node is the master: {}",
            decision.reason);
  return {};
}

void Recoverer::Say(const RecoveryDecision& decision) {
  wait_.reset();
  switch (decision.action) {
    case RecoveryAction::kNone:
      log_decision_.Reset();
      break;
    case RecoveryAction::kWait:
      log_decision_(log::Severity::kInfo, {.event = "recovery-waiting"},
                    "not promoting this node: " + decision.reason);
      wait_ = {.name = "recovery", .sentence = "not promoting this node: " + decision.reason, .told = true};
      break;
    case RecoveryAction::kRefuse:
      log_decision_(log::Severity::kError, {.event = "recovery-blocked"}, "no master: " + decision.reason);
      wait_ = {.name = "recovery-blocked",
               .sentence = "no master: " + decision.reason,
               .needs_person = true,
               .told = true};
      break;
    case RecoveryAction::kTakeLock:
    case RecoveryAction::kPromote:
    case RecoveryAction::kFinish:
      break;
  }
}

}  // namespace redis_zk::redis_wrapper
