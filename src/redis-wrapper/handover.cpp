#include "redis-wrapper/handover.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace redis_zk::redis_wrapper {

namespace {

using redis::Role;

constexpr Duration kAskTimeout = 500ms;
// How often the replicas are looked at while everybody waits for them.
constexpr Duration kLookInterval = 5ms;
// How long a Sentinel that took the order may seem to do nothing.
constexpr Duration kSentinelPatience = 1s;
// A failover takes about this long; what is left before it is for the replicas to catch up.
constexpr Duration kFailoverTakes = 3s;
// The pause must outlive the hand-over: a client that is released too early writes to a master whose days are
// over. It ends with the server in any case.
constexpr Duration kPauseMargin = 60s;

Duration Since(TimePoint start) { return std::chrono::duration_cast<Duration>(Clock::now() - start); }

}  // namespace

HandOverPlan PlanHandOver(const redis::ServerInfo& own, const Endpoint& self,
                          const std::vector<redis::SentinelReport>& reports) {
  HandOverPlan plan;
  if (own.role != Role::kMaster) {
    plan.refusal = "this node is a replica";
    return plan;
  }
  for (const auto& replica : own.replicas) {
    if (replica.online) plan.replicas.push_back(replica.endpoint);
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
    if (report.master == self && report.known_replicas > 0) plan.sentinels.push_back(report.sentinel);
  }
  // See sentinel_client.h, RequestFailover.
  std::reverse(plan.sentinels.begin(), plan.sentinels.end());
  if (plan.sentinels.empty()) plan.refusal = "no Sentinel was found that could promote a replica";
  return plan;
}

HandOver::HandOver(const CommonOptions& options, const Endpoint& bind, const Endpoint& self)
    : options_(options), bind_(bind), self_(self) {}

Result<redis::Reply> HandOver::AskOwn(const redis::Command& command) const {
  const auto replies = redis::Ask(bind_, options_.redis, {command}, kAskTimeout);
  if (!replies) return tl::unexpected(replies.error());
  if (replies->front().is_error())
    return Fail(ErrorKind::kRefused, fmt::format("{}: {}", command.front(), replies->front().text));
  return replies->front();
}

HandOver::Outcome HandOver::Run(const std::vector<Endpoint>& sentinels, Duration timeout,
                                const std::function<bool(TimePoint)>& pause) {
  const TimePoint start = Clock::now();
  const TimePoint deadline = start + timeout;
  const auto own = redis::AskServerInfo(bind_, options_.redis, kAskTimeout);
  if (!own) return {false, own.error().message};
  std::vector<redis::SentinelReport> reports;
  if (own->role == Role::kMaster && !own->replicas.empty()) {
    for (auto& report :
         redis::AskSentinels(sentinels, options_.sentinel, options_.master_name, kAskTimeout)) {
      if (report) reports.push_back(std::move(*report));
    }
  }
  const HandOverPlan plan = PlanHandOver(*own, self_, reports);
  if (!plan.refusal.empty()) return {false, plan.refusal, own->role == Role::kMaster};

  const auto paused = AskOwn({"CLIENT", "PAUSE", std::to_string((timeout + kPauseMargin).count()), "WRITE"});
  if (!paused) return {false, paused.error().message};
  const auto release = [this] { return AskOwn({"CLIENT", "UNPAUSE"}); };
  const Duration for_failover = std::min(kFailoverTakes, timeout / 2);
  if (auto why = AwaitReplicas(plan.replicas, deadline - for_failover, pause); !why.empty()) {
    release();
    return {false, std::move(why)};
  }
  std::string why;
  for (const auto& sentinel : plan.sentinels) {
    const auto asked = redis::RequestFailover(sentinel, options_.sentinel, options_.master_name, kAskTimeout);
    if (!asked) {
      why = asked.error().message;
      if (redis::IsFailoverRunning(asked.error())) break;
      // The order may have arrived although the answer did not: then nobody else may be asked.
      if (asked.error().kind == ErrorKind::kRefused) continue;
    }
    const auto promoted = AwaitPromotion(plan, sentinel, deadline, pause);
    // Not released: Sentinel may still promote one, and what was written here then would be lost.
    if (!promoted) return {false, promoted.error()};
    const auto followed = AskOwn({"REPLICAOF", promoted->host, std::to_string(promoted->port)});
    // Released while it still is a master, the clients would write what no other has.
    if (!followed) return {false, followed.error().message};
    release();
    return {true, fmt::format("handed over to {} in {} ms", promoted->ToAddress(), Since(start).count())};
  }
  release();
  return {false, fmt::format("no Sentinel takes the order: {}", why)};
}

std::string HandOver::AwaitReplicas(const std::vector<Endpoint>& replicas, TimePoint deadline,
                                    const std::function<bool(TimePoint)>& pause) const {
  const auto own = redis::AskServerInfo(bind_, options_.redis, kAskTimeout);
  if (!own) return own.error().message;
  while (true) {
    std::string behind;
    const auto infos = redis::AskServerInfos(replicas, options_.redis, kAskTimeout);
    for (std::size_t i = 0; i < replicas.size(); ++i) {
      if (!infos[i]) {
        behind = infos[i].error().message;
      } else if (infos[i]->offset < own->offset) {
        behind = fmt::format("replica {} lags {} bytes behind", replicas[i].ToAddress(),
                             own->offset - infos[i]->offset);
      }
    }
    if (behind.empty()) return "";
    if (Clock::now() >= deadline) return behind;
    if (!pause(Clock::now() + kLookInterval)) return "asked to stop at once";
  }
}

tl::expected<Endpoint, std::string> HandOver::AwaitPromotion(
    const HandOverPlan& plan, const Endpoint& sentinel, TimePoint deadline,
    const std::function<bool(TimePoint)>& pause) const {
  TimePoint working_at = Clock::now();
  while (true) {
    const auto infos = redis::AskServerInfos(plan.replicas, options_.redis, kAskTimeout);
    for (std::size_t i = 0; i < plan.replicas.size(); ++i) {
      if (infos[i] && infos[i]->role == Role::kMaster) return plan.replicas[i];
    }
    const auto report =
        redis::AskSentinels({sentinel}, options_.sentinel, options_.master_name, kAskTimeout).front();
    const TimePoint now = Clock::now();
    if (report && report->failover_in_progress) working_at = now;
    if (now - working_at > kSentinelPatience)
      return tl::unexpected(fmt::format("Sentinel {} has given the failover up", sentinel.ToAddress()));
    if (now >= deadline)
      return tl::unexpected<std::string>("no replica was promoted in time (HANDOVER_TIMEOUT)");
    if (!pause(now + kLookInterval)) return tl::unexpected<std::string>("asked to stop at once");
  }
}

}  // namespace redis_zk::redis_wrapper
