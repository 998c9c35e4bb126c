#include "sentinel-wrapper/rescuer.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/log.h"
#include "net/endpoint.h"
#include "redis/server_info.h"
#include "sentinel/client.h"
#include "store/sentinel_id.h"

namespace redis_zk::sentinel_wrapper {

namespace {

using zookeeper::Watch;

// A group that nobody could help by then is dead for long, and others need our time.
constexpr Duration kBusyFor = 1min;

Duration Since(TimePoint start) { return std::chrono::duration_cast<Duration>(Clock::now() - start); }

}  // namespace

Rescuer::Rescuer(daemon::WrapperLoop& loop, const WrapperOptions& options, const redis::Network& network,
                 redis::Servers& as_hello, std::string group)
    : loop_(loop),
      options_(options),
      network_(network),
      sentinel_(network.sentinels, options.server.bind),
      as_peer_(as_hello, options.server.bind),
      group_(std::move(group)),
      nudger_(network_, options.server.bind, group_, [&loop](TimePoint until) {
        while (Clock::now() < until && !loop.stop_requested() && !loop.exit_code()) loop.Pump(until);
        return !loop.stop_requested() && !loop.exit_code();
      }) {}

void Rescuer::Reset() {
  quiet_since_.reset();
  agreed_since_.reset();
  stuck_since_.reset();
  electing_since_.clear();
}

bool Rescuer::busy() const { return down_since_ && Since(*down_since_) < kBusyFor; }

std::optional<Rescuer::Rescue> Rescuer::Look(const std::string& uuid, const sentinel::SentinelReport& own,
                                             const store::Record& known, bool restarted) {
  nudger_.SettleDebt();
  const bool needs_help = own.master_down && !own.failover_in_progress;
  if (!needs_help) Reset();
  // Also while it fails over: the moment in which it gives up is when its quiet begins.
  if (!own.master_down) down_since_.reset();
  if (own.master_down && !down_since_) down_since_ = Clock::now();
  if (!own.master_down) nudges_ = 0;
  if (needs_help && !quiet_since_) quiet_since_ = Clock::now();
  const bool names_another = known.state == store::Record::State::kMaster && known.master != own.master;
  // Its opinion would take down-after once more.
  const bool in_turn = restarted && !own.failover_in_progress;
  if ((!needs_help && !names_another && !in_turn) || !loop_.session().connected()) return std::nullopt;
  const auto record = loop_.registry().records.Read(group_, Watch::kYes);
  if (!record) return std::nullopt;
  if (record->state == store::Record::State::kMaster && record->master != own.master)
    return FollowRecord(own, *record);
  stuck_since_.reset();
  if (needs_help && !restarted) {
    if (auto blind = LookForBlindness(own, *record)) return blind;
  }
  if (needs_help || in_turn) LookForNudge(uuid, own, *record, in_turn);
  return std::nullopt;
}

std::optional<Rescuer::Rescue> Rescuer::LookForBlindness(const sentinel::SentinelReport& own,
                                                         const store::Record& record) {
  if (Since(*quiet_since_) < kBlindBeforeRestart) return std::nullopt;
  const auto known = sentinel_.AskKnownInstances(group_);
  // Mostly it has one, and then nothing else is worth a question.
  if (!known || std::any_of(known->replicas.begin(), known->replicas.end(), IsPromotable))
    return std::nullopt;
  const auto members = loop_.registry().members.List(group_, Watch::kNo);
  if (!members || members->empty()) return std::nullopt;
  const auto history = loop_.registry().datasets.ReadHistory(group_);
  const auto datasets = loop_.registry().datasets.List(group_);
  if (!history || (!datasets && datasets.error().kind != ErrorKind::kNotFound)) return std::nullopt;
  std::vector<Endpoint> asked{record.master};
  for (const auto& member : *members) asked.push_back(member.endpoint);
  const auto infos = network_.redis.AskInfos(asked);
  BlindView view{.own = own,
                 .replicas = known->replicas,
                 .record = record,
                 .recorded_answers = infos[0] || infos[0].error().kind == ErrorKind::kRefused,
                 .members = {},
                 .history = *history,
                 .datasets = datasets.value_or(std::vector<store::KnownDataset>{})};
  for (std::size_t i = 0; i < members->size(); ++i) {
    const auto& info = infos[i + 1];
    view.members.push_back({(*members)[i], info ? std::optional(*info) : std::nullopt});
  }
  const auto finding = IsBlind(view);
  if (!finding.holds) return std::nullopt;
  Rescue rescue{record, finding.reason, /*in_turn=*/true};
  rescue.record.epoch = EpochBeyond(own, record.epoch);
  return rescue;
}

// The record names another master than our Sentinel.
std::optional<Rescuer::Rescue> Rescuer::FollowRecord(const sentinel::SentinelReport& own,
                                                     const store::Record& record) {
  // In a failover that Sentinels made, ours is about to hear of the new master by itself.
  if (!record.cold_start && !quiet_since_) return std::nullopt;
  const auto known = sentinel_.AskKnownInstances(group_);
  if (!known) return std::nullopt;
  const auto recorded = network_.redis.AskInfo(record.master);
  const StuckView view{
      .own = own,
      .replicas = known->replicas,
      .record = record,
      .recorded_acts = recorded && recorded->role == redis::Role::kMaster && !recorded->loading};
  if (const auto missed = HasMissedRecord(view); missed.holds) {
    const auto told = AnnounceMaster(record, known->peers, missed.reason);
    const bool impossible = !told && told.error().kind == ErrorKind::kRefused;
    if (!impossible) return std::nullopt;
    if (record.cold_start)
      return Rescue{record, fmt::format("{}; {}", missed.reason, told.error().message), /*in_turn=*/false};
  }
  if (!quiet_since_) return std::nullopt;
  const auto finding = IsStuck(view);
  if (!finding.holds) {
    stuck_since_.reset();
    log_reason_(
        log::Severity::kWarn, {.event = "restart-skipped", .group = group_},
        fmt::format("redis-sentinel reports the master as down; restart skipped: {}", finding.reason));
    return std::nullopt;
  }
  if (!stuck_since_) stuck_since_ = Clock::now();
  if (Since(*stuck_since_) < kStuckBeforeRestart) return std::nullopt;
  Rescue rescue{record, finding.reason, /*in_turn=*/false};
  rescue.record.epoch = EpochBeyond(own, record.epoch);
  return rescue;
}

Status Rescuer::AnnounceMaster(const store::Record& record, const std::vector<sentinel::PeerReport>& peers,
                               const std::string& reason) {
  if (peers.empty()) return Fail(ErrorKind::kRefused, "it knows no other Sentinel in whose name to tell it");
  if (!IsIpAddress(record.master.host)) return Fail(ErrorKind::kRefused, "the record has a host name");
  if (announced_epoch_ == record.epoch) return Fail(ErrorKind::kRefused, "it was told, and did not follow");
  const auto& peer = peers.front();
  auto told = as_peer_.AnnounceMaster(group_, record.master, record.epoch, {peer.endpoint, peer.id});
  if (!told) return told;
  announced_epoch_ = record.epoch;
  log::Info({.event = "recorded-master-announced",
             .group = group_,
             .peer = record.master.ToAddress(),
             .epoch = record.epoch},
            "told redis-sentinel the recorded master {}: {}", record.master.ToAddress(), reason);
  return {};
}

std::uint64_t Rescuer::EpochBeyond(const sentinel::SentinelReport& own, std::uint64_t record_epoch) {
  std::uint64_t epoch = std::max(record_epoch, own.config_epoch);
  const auto registered = loop_.registry().sentinels.List(Watch::kNo);
  if (!registered) return epoch;
  for (const auto& report : sentinel::AskSentinels(network_.sentinels, store::PeersIn(*registered), group_)) {
    if (report && report->master == own.master) epoch = std::max(epoch, report->config_epoch);
  }
  return epoch;
}

std::optional<std::vector<NudgeView::Seen>> Rescuer::AskFleet() {
  const auto registered = loop_.registry().sentinels.List(Watch::kNo);
  if (!registered) return std::nullopt;
  const auto reports = sentinel::AskSentinels(network_.sentinels, store::PeersIn(*registered), group_);
  std::vector<NudgeView::Seen> seen;
  std::map<std::string, TimePoint> electing;
  for (std::size_t i = 0; i < reports.size(); ++i) {
    const std::string& uuid = (*registered)[i].uuid;
    auto& each = seen.emplace_back(
        NudgeView::Seen{uuid, reports[i] ? std::optional(*reports[i]) : std::nullopt, Duration::zero()});
    if (!each.report || !each.report->failover_in_progress) continue;
    const auto known = sentinel::Client(network_.sentinels, each.report->sentinel).AskKnownInstances(group_);
    if (!known || HasChosen(known->replicas)) continue;
    const auto since = electing_since_.find(uuid);
    electing[uuid] = since == electing_since_.end() ? Clock::now() : since->second;
    each.electing_for = Since(electing[uuid]);
  }
  electing_since_ = std::move(electing);
  return seen;
}

void Rescuer::LookForNudge(const std::string& uuid, const sentinel::SentinelReport& own,
                           const store::Record& record, bool restarted) {
  // From the beginning, to see how long an election takes.
  auto fleet = AskFleet();
  if (!fleet) return;
  const auto agreeing = std::count_if(
      fleet->begin(), fleet->end(), [](const auto& seen) { return seen.report && seen.report->master_down; });
  if (static_cast<std::uint64_t>(agreeing) < own.quorum) agreed_since_.reset();
  if (static_cast<std::uint64_t>(agreeing) >= own.quorum && !agreed_since_) agreed_since_ = Clock::now();
  // A quorum that has just come together is about to elect one of its own.
  const Duration quiet_for =
      quiet_since_ && agreed_since_ ? Since(std::max(*quiet_since_, *agreed_since_)) : Duration::zero();
  if (!restarted && quiet_for < kQuietBeforeNudge) return;
  const auto members = loop_.registry().members.List(group_, Watch::kNo);
  const auto known = sentinel_.AskKnownInstances(group_);
  if (!members || !known) return;
  NudgeView view{.uuid = uuid,
                 .sentinels = std::move(*fleet),
                 .record = record,
                 .members = *members,
                 .replicas = known->replicas,
                 .quiet_for = quiet_for,
                 .nudges = nudges_,
                 .since_last_nudge = {},
                 .restarted = restarted};
  if (last_nudge_) view.since_last_nudge = Since(*last_nudge_);
  const auto finding = ShouldNudge(view);
  if (finding.holds) {
    Nudge(own, finding.reason);
  } else {
    log_reason_(log::Severity::kWarn, {.event = "recovery-skipped", .group = group_},
                "the master is down; no recovery: " + finding.reason);
  }
}

void Rescuer::Nudge(const sentinel::SentinelReport& own, const std::string& reason) {
  last_nudge_ = Clock::now();
  ++nudges_;
  if (const auto done = nudger_.Nudge(own.down_after)) {
    log::Warn({.event = "recovery-requested", .group = group_, .peer = own.master.ToAddress()},
              "failover requested: {}; {}", reason, *done);
  } else {
    log::Warn({.event = "recovery-refused", .group = group_, .peer = own.master.ToAddress()},
              "failover requested, Sentinel refused: {}; {}; retrying", done.error().message, reason);
  }
}

}  // namespace redis_zk::sentinel_wrapper
