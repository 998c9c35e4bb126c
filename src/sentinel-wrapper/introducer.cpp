#include "sentinel-wrapper/introducer.h"

#include <utility>

#include "redis/sentinel_client.h"
#include "sentinel-wrapper/monitoring.h"

namespace redis_zk::sentinel_wrapper {

namespace {

constexpr Duration kAnswerTimeout = 500ms;

}  // namespace

Introducer::Introducer(daemon::WrapperLoop& loop, const WrapperOptions& options)
    : loop_(loop), options_(options) {}

void Introducer::Look(const registry::Seat& seat, const std::set<std::string>& groups) {
  if (!loop_.session().connected() || (!has_news_ && groups == introduced_.groups)) return;
  if (const auto done = Introduce(seat, groups); !done) {
    log_problem_("the peers of redis-sentinel are not introduced to it yet: " + done.error().message,
                 LogOnChange::Level::kWarn);
    return;
  }
  has_news_ = false;
  log_problem_.Reset();
}

Status Introducer::Introduce(const registry::Seat& seat, const std::set<std::string>& groups) {
  auto sentinels = loop_.registry().ListSentinels(zookeeper::Watch::kYes);
  if (!sentinels) return tl::unexpected(sentinels.error());
  if (*sentinels == introduced_.sentinels && groups == introduced_.groups) return {};
  const auto seats = loop_.registry().ListSeats();
  if (!seats) return tl::unexpected(seats.error());
  const auto peers = PeersOf(seat, *seats, *sentinels);
  if (!peers.empty()) {
    const auto told =
        redis::Introduce(options_.server.bind, hello_, peers, {groups.begin(), groups.end()}, kAnswerTimeout);
    if (!told) return told;
  }
  introduced_ = {std::move(*sentinels), groups};
  return {};
}

}  // namespace redis_zk::sentinel_wrapper
