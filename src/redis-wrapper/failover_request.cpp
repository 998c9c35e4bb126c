#include "redis-wrapper/failover_request.h"

#include <spdlog/spdlog.h>

#include "redis-wrapper/lookup.h"
#include "redis/sentinel_client.h"

namespace redis_zk::redis_wrapper {

namespace {

// A failover takes a second or two; asking faster only earns INPROG.
constexpr Duration kPatience = 3s;

}  // namespace

void FailoverRequest::Ask(const std::vector<Endpoint>& sentinels, const std::string& why, TimePoint now) {
  if (now < not_before_) return;
  not_before_ = now + kPatience;
  const std::string& group = options_.master_name;
  for (const auto& report : redis::AskSentinels(sentinels, options_.sentinel, group, kProbeTimeout)) {
    // Only a Sentinel that sees us as the master: elsewhere the failover has already happened.
    if (!report || report->master != self_) continue;
    const auto asked = redis::RequestFailover(report->sentinel, options_.sentinel, group, kProbeTimeout);
    if (asked) {
      spdlog::info("{}: asked Sentinel {} for a failover", why, report->sentinel.ToAddress());
      return;
    }
    spdlog::warn("{}: Sentinel refuses a failover: {}", why, asked.error().message);
  }
  spdlog::warn("{}, but no Sentinel was found that can fail over", why);
}

}  // namespace redis_zk::redis_wrapper
