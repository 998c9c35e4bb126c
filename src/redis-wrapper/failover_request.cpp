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
  auto reports = sentinel::AskSentinels(sentinels, options_.credentials.sentinel, group, kProbeTimeout);
  // One that is asked while another fails over begins a second failover, and may promote a second replica.
  for (const auto& report : reports) {
    if (!report || !report->failover_in_progress) continue;
    log_(fmt::format("{}: Sentinel {} fails over already", why, report->sentinel.ToAddress()));
    return;
  }
  // Only Sentinels that see us as the master: elsewhere the failover has already happened.
  std::erase_if(reports, [this](const auto& report) { return !report || report->master != self_; });
  if (!recorded && reports.size() * 2 <= sentinels.size()) {
    log_(fmt::format("{}, but ZooKeeper does not answer, and only {} of {} Sentinels name this node: leaving "
                     "the failover to Sentinel",
                     why, reports.size(), sentinels.size()),
         LogOnChange::Level::kWarn);
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
      log_(fmt::format("{}: Sentinel {} has noticed", why, (*noticed)->sentinel.ToAddress()));
      return;
    }
  }
  not_before_ = now + kPatience;
  std::reverse(reports.begin(), reports.end());
  for (const auto& report : reports) {
    const auto asked =
        sentinel::RequestFailover(report->sentinel, options_.credentials.sentinel, group, kProbeTimeout);
    if (asked) {
      log::Info("{}: asked Sentinel {} for a failover", why, report->sentinel.ToAddress());
      return;
    }
    log_(fmt::format("{}: Sentinel refuses a failover: {}", why, asked.error().message),
         LogOnChange::Level::kWarn);
    // The order may have arrived although the answer did not.
    if (asked.error().kind != ErrorKind::kRefused || sentinel::IsFailoverRunning(asked.error())) return;
  }
  log_(fmt::format("{}, but no Sentinel was found that can fail over", why), LogOnChange::Level::kWarn);
}

}  // namespace redis_zk::redis_wrapper
