#include "sentinel-wrapper/rescuer.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/log.h"
#include "failover/order.h"
#include "net/endpoint.h"
#include "redis/server_info.h"
#include "sentinel/client.h"
#include "store/sentinel_id.h"

namespace redis_zk::sentinel_wrapper {

namespace {

using zookeeper::Watch;

// A group that could not be helped by then is dead for long, and others need our time.
constexpr Duration kBusyFor = 1min;

// The master is down, and our Sentinel does nothing.
bool NeedsHelp(const sentinel::SentinelReport& own) { return own.master_down && !own.failover_in_progress; }

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

bool Rescuer::busy() const { return down_since_ && Since(*down_since_) < kBusyFor; }

std::optional<RestartRequest> Rescuer::Look(const sentinel::SentinelReport& own, const store::Record& known) {
  if (!own.master_down) down_since_.reset();
  if (own.master_down && !down_since_) down_since_ = Clock::now();
  if (!NeedsHelp(own)) Reset();
  const bool names_another = known.state == store::Record::State::kMaster && known.master != own.master;
  if ((!NeedsHelp(own) && !names_another) || !loop_.session().connected()) return std::nullopt;
  const auto record = loop_.registry().records.Read(group_, Watch::kYes);
  if (!record) return std::nullopt;
  if (record->state == store::Record::State::kMaster && record->master != own.master)
    return FollowRecord(own, *record);
  stuck_since_.reset();
  return std::nullopt;
}

// The record names another master than our Sentinel.
std::optional<RestartRequest> Rescuer::FollowRecord(const sentinel::SentinelReport& own,
                                                    const store::Record& record) {
  // In a failover that Sentinels made, ours is about to hear of the new master by itself.
  if (!store::IsAheadOfSentinels(record) && !NeedsHelp(own)) return std::nullopt;
  const auto known = sentinel_.AskKnownInstances(group_);
  if (!known) return std::nullopt;
  const auto recorded = network_.redis.AskInfo(record.master);
  const StuckView view{.own = own,
                       .replicas = known->replicas,
                       .record = record,
                       .recorded_acts = recorded &&
                                        options_.common.credentials.redis.MayTell(record.master) &&
                                        recorded->role == redis::Role::kMaster && !recorded->loading};
  if (const auto behind = IsBehind(view); behind.holds) {
    if (record.origin == store::Origin::kUnelected) return Adopt(own, record, known->peers, behind.reason);
    // The Sentinel that leads the failover ends it when others are quicker with its outcome, so all replicas
    // have to have a wrapper that brings them over. If ours cannot be told, it hears of it within a second.
    if (AreOurs(known->replicas)) (void)AnnounceMaster(own, record, known->peers, behind.reason);
    return std::nullopt;
  }
  if (!NeedsHelp(own)) return std::nullopt;
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

std::optional<RestartRequest> Rescuer::Adopt(const sentinel::SentinelReport& own, const store::Record& record,
                                             const std::vector<sentinel::PeerReport>& peers,
                                             const std::string& reason) {
  const auto told = AnnounceMaster(own, record, peers, reason);
  if (told || told.error().kind != ErrorKind::kRefused) return std::nullopt;
  return RestartRequest{group_, record, fmt::format("{}; {}", reason, told.error().message)};
}

Status Rescuer::AnnounceMaster(const sentinel::SentinelReport& own, const store::Record& record,
                               const std::vector<sentinel::PeerReport>& peers, const std::string& reason) {
  if (record.epoch <= own.config_epoch) return Fail(ErrorKind::kRefused, "the record has no newer epoch");
  const auto peer = FindPeer(peers);
  if (!peer) return Fail(ErrorKind::kRefused, "there is no other Sentinel in whose name to tell it");
  if (!IsIpAddress(record.master.host)) return Fail(ErrorKind::kRefused, "the record has a host name");
  if (announced_epoch_ == record.epoch) return Fail(ErrorKind::kRefused, "it was told, and did not follow");
  auto told = as_peer_.AnnounceMaster(group_, record.master, record.epoch, *peer);
  if (!told) return told;
  announced_epoch_ = record.epoch;
  log::Info({.event = "recorded-master-announced",
             .group = group_,
             .peer = record.master.ToAddress(),
             .epoch = record.epoch},
            "told redis-sentinel the recorded master {}: {}", record.master.ToAddress(), reason);
  return {};
}

bool Rescuer::AreOurs(const std::vector<sentinel::ReplicaReport>& replicas) {
  const auto members = loop_.registry().members.List(group_, Watch::kNo);
  if (!members) return false;
  return std::all_of(replicas.begin(), replicas.end(), [&members](const auto& replica) {
    return replica.down || std::any_of(members->begin(), members->end(), [&replica](const auto& member) {
             return member.endpoint == replica.endpoint;
           });
  });
}

std::vector<sentinel::SentinelReport> Rescuer::AskRegistered() {
  const auto registered = loop_.registry().sentinels.List(Watch::kNo);
  if (!registered) return {};
  return failover::WithAnswer(
      sentinel::AskSentinels(network_.sentinels, store::PeersIn(*registered), group_));
}

std::optional<sentinel::Peer> Rescuer::FindPeer(const std::vector<sentinel::PeerReport>& known) {
  if (!known.empty()) return sentinel::Peer{known.front().endpoint, known.front().id};
  for (const auto& report : AskRegistered()) {
    if (report.identified && report.sentinel != options_.server.announce)
      return sentinel::Peer{report.sentinel, report.id};
  }
  return std::nullopt;
}

std::uint64_t Rescuer::EpochBeyond(const sentinel::SentinelReport& own, std::uint64_t record_epoch) {
  std::uint64_t epoch = std::max(record_epoch, own.config_epoch);
  for (const auto& report : AskRegistered()) {
    if (report.master == own.master) epoch = std::max(epoch, report.config_epoch);
  }
  return epoch;
}

}  // namespace redis_zk::sentinel_wrapper
