#include "failover/call_off.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/log.h"
#include "failover/order_watch.h"
#include "sentinel/client.h"

namespace redis_zk::failover {

std::optional<Endpoint> FindPromoted(redis::Servers& servers, const std::vector<Endpoint>& replicas,
                                     const std::string& replication_id) {
  const auto infos = servers.AskInfos(replicas);
  for (std::size_t i = 0; i < replicas.size(); ++i) {
    const bool acts = infos[i] && infos[i]->role == redis::Role::kMaster;
    if (acts && infos[i]->previous_replication_id == replication_id) return replicas[i];
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
    } else if (answers[i].error().kind == ErrorKind::kTimeout &&
               std::find(terms_.asked.begin(), terms_.asked.end(), sentinel) != terms_.asked.end()) {
      open = fmt::format("Sentinel {}, which accepted the request, does not answer and may still promote one",
                         sentinel.ToAddress());
    }
  }
  std::vector<Endpoint> candidates = terms_.promotable;
  for (const auto& report : reports) {
    if (report.master == terms_.master) continue;
    candidates.push_back(report.master);
    open =
        fmt::format("Sentinel {} names {} as the master, which does not act as one with this master's data",
                    report.sentinel.ToAddress(), report.master.ToAddress());
  }
  if (auto promoted = FindPromoted(network_.redis, candidates, terms_.replication_id))
    return {.promoted = promoted};
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
  const bool chosen = std::any_of(known->replicas.begin(), known->replicas.end(),
                                  [](const auto& replica) { return replica.promoted; });
  if (chosen && now < withdraw_at_.try_emplace(sentinel, now + kPromotionArrives).first->second) return;
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
