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
      group_(std::move(group)) {}

void Rescuer::Reset() {
  quiet_since_.reset();
  stuck_since_.reset();
}

bool Rescuer::busy() const { return down_since_ && Since(*down_since_) < kBusyFor; }

std::optional<Rescuer::Rescue> Rescuer::Look(const sentinel::SentinelReport& own,
                                             const store::Record& known) {
  const bool needs_help = own.master_down && !own.failover_in_progress;
  if (!needs_help) Reset();
  // Also while it fails over: the moment in which it gives up is when its quiet begins.
  if (!own.master_down) down_since_.reset();
  if (own.master_down && !down_since_) down_since_ = Clock::now();
  if (needs_help && !quiet_since_) quiet_since_ = Clock::now();
  const bool names_another = known.state == store::Record::State::kMaster && known.master != own.master;
  if ((!needs_help && !names_another) || !loop_.session().connected()) return std::nullopt;
  const auto record = loop_.registry().records.Read(group_, Watch::kYes);
  if (!record) return std::nullopt;
  if (record->state == store::Record::State::kMaster && record->master != own.master)
    return FollowRecord(own, *record);
  stuck_since_.reset();
  return needs_help ? LookForBlindness(own, *record) : std::nullopt;
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
  if (const auto missed = HasMissedColdStart(view); missed.holds)
    return Adopt(own, record, known->peers, missed.reason);
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
  store::Record newest = record;
  newest.epoch = EpochBeyond(own, record.epoch);
  return Adopt(own, newest, known->peers, finding.reason);
}

std::optional<Rescuer::Rescue> Rescuer::Adopt(const sentinel::SentinelReport& own,
                                              const store::Record& record,
                                              const std::vector<sentinel::PeerReport>& peers,
                                              const std::string& reason) {
  const auto told = AnnounceMaster(own, record, peers, reason);
  if (told || told.error().kind != ErrorKind::kRefused) return std::nullopt;
  return Rescue{record, fmt::format("{}; {}", reason, told.error().message), /*in_turn=*/false};
}

Status Rescuer::AnnounceMaster(const sentinel::SentinelReport& own, const store::Record& record,
                               const std::vector<sentinel::PeerReport>& peers, const std::string& reason) {
  if (record.epoch <= own.config_epoch) return Fail(ErrorKind::kRefused, "the record has no newer epoch");
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

}  // namespace redis_zk::sentinel_wrapper
