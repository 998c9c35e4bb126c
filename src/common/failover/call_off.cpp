#include "failover/call_off.h"

#include <fmt/core.h>

#include "base/log.h"
#include "failover/order.h"
#include "failover/order_watch.h"
#include "sentinel/client.h"

namespace redis_zk::failover {

std::optional<Endpoint> FindNamed(const Endpoint& old_master,
                                  const std::vector<sentinel::SentinelReport>& reports) {
  const auto* succession = FindSuccession(old_master, reports);
  return succession == nullptr ? std::nullopt : std::optional(succession->master);
}

std::optional<Endpoint> FindPromoted(redis::Servers& servers, const Promotion& awaited,
                                     const std::optional<Endpoint>& named) {
  std::vector<Endpoint> candidates = awaited.promotable;
  if (named && !Contains(candidates, *named)) candidates.push_back(*named);
  const auto infos = servers.AskInfos(candidates);
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const auto& info = infos[i];
    if (!info || info->role != redis::Role::kMaster) continue;
    if (info->previous_replication_id != awaited.replication_id) continue;
    if (info->previous_until >= awaited.offset || named == candidates[i]) return candidates[i];
  }
  return std::nullopt;
}

CallOff::Seen CallOff::Look(TimePoint now) {
  std::vector<sentinel::SentinelReport> reports;
  std::string open;  // why it is not decided
  const auto answers = sentinel::AskSentinels(network_.sentinels, terms_.sentinels, terms_.group);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const Endpoint& sentinel = terms_.sentinels[i].endpoint;
    if (answers[i]) {
      reports.push_back(*answers[i]);
    } else if (answers[i].error().kind == ErrorKind::kTimeout && Contains(terms_.asked, sentinel)) {
      open = fmt::format("Sentinel {}, which accepted the request, does not answer and may still promote one",
                         sentinel.ToAddress());
    }
  }
  const auto named = FindNamed(terms_.awaited.master, reports);
  if (auto promoted = FindPromoted(network_.redis, terms_.awaited, named)) return {.promoted = promoted};
  if (named)
    open = named->ToAddress() + " is named by a Sentinel, and does not act as master with this master's data";
  for (const auto& report : reports) {
    if (!report.failover_in_progress) continue;
    open = "the failover is still running";
    if (report.tilt) {
      Withdraw(report.sentinel, now);
    } else if (report.failover_timeout != kFailoverTimeoutAtOnce) {
      // Where the order fails, the next round finds the timeout as it was.
      (void)guard_.Set(TemporarySetting::kFailoverTimeout, report.sentinel, report.failover_timeout.count(),
                       kFailoverTimeoutAtOnce.count());
    }
  }
  return {.decided = open.empty(),
          .why = "timeout: no replica was promoted, and " +
                 (open.empty() ? std::string("the failover was cancelled") : open)};
}

void CallOff::Withdraw(const Endpoint& sentinel, TimePoint now) {
  // A failover-timeout does not end one that has not begun, and TILT outlasts every pause of ours.
  const auto known = sentinel::Client(network_.sentinels, sentinel).AskKnownInstances(terms_.group);
  if (!known) return;
  if (sentinel::HasChosen(known->replicas) &&
      now < withdraw_at_.try_emplace(sentinel, now + kPromotionArrives).first->second)
    return;
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

}  // namespace redis_zk::failover
