#include "sentinel-wrapper/rescuer.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>

#include "redis/server_info.h"
#include "sentinel-wrapper/rescue.h"

namespace redis_zk::sentinel_wrapper {

namespace {

using zookeeper::Watch;

constexpr Duration kAnswerTimeout = 500ms;

Duration Since(TimePoint start) { return std::chrono::duration_cast<Duration>(Clock::now() - start); }

}  // namespace

Rescuer::Rescuer(daemon::WrapperLoop& loop, const WrapperOptions& options)
    : loop_(loop),
      options_(options),
      nudger_(options.server.bind, options.common.sentinel, options.common.master_name,
              [&loop](TimePoint until) {
                while (Clock::now() < until && !loop.stop_requested() && !loop.exit_code()) loop.Pump(until);
                return !loop.stop_requested() && !loop.exit_code();
              }) {}

void Rescuer::Reset() {
  quiet_since_.reset();
  stuck_since_.reset();
}

std::optional<Rescuer::Rescue> Rescuer::Look(const std::string& uuid) {
  nudger_.SettleDebt();
  const auto own = redis::AskSentinels({options_.server.bind}, options_.common.sentinel,
                                       options_.common.master_name, kAnswerTimeout)
                       .front();
  if (!own || !own->master_down || own->failover_in_progress) {
    Reset();
    if (own && !own->master_down) nudges_ = 0;
    return std::nullopt;
  }
  if (!quiet_since_) quiet_since_ = Clock::now();
  if (!loop_.session().connected()) return std::nullopt;
  const auto record = loop_.registry().ReadRecord(options_.common.master_name, Watch::kNo);
  if (!record) return std::nullopt;
  if (auto rescue = LookForStuck(*own, *record)) return rescue;
  if (record->state == registry::Record::State::kMaster && record->master == own->master)
    LookForNudge(uuid, *own, *record);
  return std::nullopt;
}

std::optional<Rescuer::Rescue> Rescuer::LookForStuck(const redis::SentinelReport& own,
                                                     const registry::Record& record) {
  StuckView view{.own = own, .replicas = {}, .record = record, .recorded_acts = false};
  const bool names_another = record.state == registry::Record::State::kMaster && record.master != own.master;
  if (names_another) {
    const auto known = redis::AskAcquaintances(options_.server.bind, options_.common.sentinel,
                                               options_.common.master_name, kAnswerTimeout);
    if (!known) return std::nullopt;
    view.replicas = known->replicas;
    const auto recorded = redis::AskServerInfo(record.master, options_.common.redis, kAnswerTimeout);
    view.recorded_acts = recorded && recorded->role == redis::Role::kMaster && !recorded->loading;
  }
  const auto finding = IsStuck(view);
  if (!finding.holds) {
    stuck_since_.reset();
    if (names_another) log_reason_("Sentinel's master is down, and it is not restarted: " + finding.reason);
    return std::nullopt;
  }
  if (!stuck_since_) stuck_since_ = Clock::now();
  if (Since(*stuck_since_) < kStuckBeforeRestart) return std::nullopt;
  Rescue rescue{record, finding.reason};
  rescue.record.epoch = EpochBeyond(own, record.epoch);
  return rescue;
}

std::uint64_t Rescuer::EpochBeyond(const redis::SentinelReport& own, std::uint64_t record_epoch) {
  std::uint64_t epoch = std::max(record_epoch, own.config_epoch);
  const auto registered = loop_.registry().ListSentinels(Watch::kNo);
  if (!registered) return epoch;
  std::vector<Endpoint> endpoints;
  for (const auto& sentinel : *registered) endpoints.push_back(sentinel.endpoint);
  for (const auto& report : redis::AskSentinels(endpoints, options_.common.sentinel,
                                                options_.common.master_name, kAnswerTimeout)) {
    if (report && report->master == own.master) epoch = std::max(epoch, report->config_epoch);
  }
  return epoch;
}

void Rescuer::LookForNudge(const std::string& uuid, const redis::SentinelReport& own,
                           const registry::Record& record) {
  const Duration quiet_for = Since(*quiet_since_);
  if (quiet_for < kQuietBeforeNudge) return;
  const std::string& group = options_.common.master_name;
  const auto registered = loop_.registry().ListSentinels(Watch::kNo);
  const auto members = loop_.registry().ListMembers(group, Watch::kNo);
  if (!registered || !members) return;
  std::vector<Endpoint> endpoints;
  for (const auto& sentinel : *registered) endpoints.push_back(sentinel.endpoint);
  const auto reports = redis::AskSentinels(endpoints, options_.common.sentinel, group, kAnswerTimeout);
  NudgeView view{.uuid = uuid,
                 .sentinels = {},
                 .record = record,
                 .members = *members,
                 .quiet_for = quiet_for,
                 .nudges = nudges_,
                 .since_last_nudge = {}};
  for (std::size_t i = 0; i < reports.size(); ++i) {
    view.sentinels.push_back({(*registered)[i].uuid, reports[i] ? std::optional(*reports[i]) : std::nullopt});
  }
  if (last_nudge_) view.since_last_nudge = Since(*last_nudge_);
  const auto finding = ShouldNudge(view);
  if (finding.holds) {
    Nudge(own, finding.reason);
  } else {
    log_reason_("the master is down, and Sentinel is not nudged: " + finding.reason);
  }
}

void Rescuer::Nudge(const redis::SentinelReport& own, const std::string& reason) {
  last_nudge_ = Clock::now();
  ++nudges_;
  if (const auto done = nudger_.Nudge(own.down_after)) {
    spdlog::warn("nudged Sentinel: {}; {}", *done, reason);
  } else {
    spdlog::warn("nudged Sentinel in vain: {}; {}", done.error().message, reason);
  }
}

}  // namespace redis_zk::sentinel_wrapper
