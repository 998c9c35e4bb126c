#include "redis-wrapper/failover_request.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/log.h"
#include "redis-wrapper/lookup.h"
#include "sentinel/client.h"

namespace redis_zk::redis_wrapper {

namespace {

// A failover takes a second or two; asking faster only earns INPROG.
constexpr Duration kPatience = 3s;
// How long Sentinels that call the master down may take to begin.
constexpr Duration kElection = 5s;

}  // namespace

void FailoverRequest::Ask(const std::vector<sentinel::Peer>& sentinels, bool recorded, const std::string& why,
                          TimePoint now) {
  if (now < not_before_) return;
  const std::string& group = options_.master_name;
  auto reports = sentinel::AskSentinels(network_.sentinels, sentinels, group);
  // One that is asked while another fails over begins a second failover, and may promote a second replica.
  for (const auto& report : reports) {
    if (!report || !report->failover_in_progress) continue;
    log_(log::Severity::kInfo, {.event = "failover-in-progress", .peer = report->sentinel.ToAddress()},
         fmt::format("{}: Sentinel already runs a failover", why));
    return;
  }
  // Only Sentinels that see us as the master: elsewhere the failover has already happened.
  std::erase_if(reports, [this](const auto& report) { return !report || report->master != self_; });
  if (!recorded && reports.size() * 2 <= sentinels.size()) {
    log_(
        log::Severity::kWarn, {.event = "failover-left-to-sentinel"},
        fmt::format("{}: failover request skipped: ZooKeeper is unreachable and only {} of {} Sentinels name "
                    "this node as master",
                    why, reports.size(), sentinels.size()));
    return;
  }
  // It would take the order, and carry it out half a minute later.
  std::erase_if(reports, [](const auto& report) { return report->tilt; });
  const auto noticed =
      std::find_if(reports.begin(), reports.end(), [](const auto& report) { return report->master_down; });
  if (noticed == reports.end()) {
    noticed_at_.reset();
  } else {
    if (!noticed_at_) noticed_at_ = now;
    if (now - *noticed_at_ < kElection) {
      log_(log::Severity::kInfo, {.event = "failover-awaited", .peer = (*noticed)->sentinel.ToAddress()},
           fmt::format("{}: Sentinel reports the master as down; waiting up to {} ms for its failover", why,
                       kElection.count()));
      return;
    }
  }
  not_before_ = now + kPatience;
  std::reverse(reports.begin(), reports.end());
  for (const auto& report : reports) {
    const auto asked = sentinel::Client(network_.sentinels, report->sentinel).RequestFailover(group);
    if (asked) {
      log::Info({.event = "failover-requested", .peer = report->sentinel.ToAddress()},
                "{}: failover requested", why);
      return;
    }
    log_(log::Severity::kWarn, {.event = "failover-refused", .peer = report->sentinel.ToAddress()},
         fmt::format("{}: failover requested, Sentinel refused: {}", why, asked.error().message));
    // The order may have arrived although the answer did not.
    if (asked.error().kind != ErrorKind::kRefused || sentinel::IsFailoverRunning(asked.error())) return;
  }
  log_(log::Severity::kWarn, {.event = "failover-impossible"},
       fmt::format("{}: failover not requested: no reachable Sentinel accepts the request", why));
}

}  // namespace redis_zk::redis_wrapper
