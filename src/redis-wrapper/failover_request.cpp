#include "redis-wrapper/failover_request.h"

#include <fmt/core.h>

#include "base/log.h"

namespace redis_zk::redis_wrapper {

namespace {

using Kind = failover::Ordered::Kind;

// A failover takes a second or two; asking faster only earns INPROG.
constexpr Duration kPatience = 3s;
// How long Sentinels that call the master down may take to begin.
constexpr Duration kElection = 5s;

}  // namespace

void FailoverRequest::Ask(const std::vector<sentinel::Peer>& sentinels, bool recorded, const std::string& why,
                          TimePoint now) {
  if (now < not_before_) return;
  const bool left_long_enough = noticed_at_ && now - *noticed_at_ >= kElection;
  // On the smaller side of a cut the order would promote a second master beside that of the larger side.
  const std::size_t needed = recorded ? 0 : failover::ConfirmationsNeeded(recorded, sentinels.size());
  const auto ordered = failover::OrderFailover(network_.sentinels, {.group = options_.master_name,
                                                                    .master = self_,
                                                                    .sentinels = sentinels,
                                                                    .needed = needed,
                                                                    .leave_to_election = !left_long_enough});
  if (ordered.kind != Kind::kRunning && ordered.kind != Kind::kUnconfirmed) {
    if (!ordered.noticed) noticed_at_.reset();
    if (ordered.noticed && !noticed_at_) noticed_at_ = now;
    if (ordered.kind != Kind::kLeft) not_before_ = now + kPatience;
  }
  Log(ordered, why, sentinels.size());
}

void FailoverRequest::Log(const failover::Ordered& ordered, const std::string& why, std::size_t registered) {
  for (const auto& [sentinel, refusal] : ordered.refusals)
    log_(log::Severity::kWarn, {.event = "failover-refused", .peer = sentinel.ToAddress()},
         fmt::format("{}: failover requested, Sentinel refused: {}", why, refusal));
  const std::string peer = ordered.sentinel.ToAddress();
  switch (ordered.kind) {
    case Kind::kTaken:
      log::Info({.event = "failover-requested", .peer = peer}, "{}: failover requested", why);
      return;
    case Kind::kMayBeTaken:
      log_(log::Severity::kWarn, {.event = "failover-refused", .peer = peer},
           fmt::format("{}: failover requested, the answer was lost: {}", why, ordered.why));
      return;
    case Kind::kRunning:
      log_(log::Severity::kInfo, {.event = "failover-in-progress", .peer = peer},
           fmt::format("{}: Sentinel already runs a failover", why));
      return;
    case Kind::kUnconfirmed:
      log_(log::Severity::kWarn, {.event = "failover-left-to-sentinel"},
           fmt::format("{}: failover request skipped: ZooKeeper is unreachable and only {} of {} Sentinels "
                       "name this node as master",
                       why, ordered.naming, registered));
      return;
    case Kind::kLeft:
      log_(log::Severity::kInfo, {.event = "failover-awaited", .peer = ordered.noticed->ToAddress()},
           fmt::format("{}: Sentinel reports the master as down; waiting up to {} ms for its failover", why,
                       kElection.count()));
      return;
    case Kind::kRefused:
      log_(log::Severity::kWarn, {.event = "failover-impossible"},
           fmt::format("{}: failover not requested: no reachable Sentinel accepts the request", why));
      return;
  }
}

}  // namespace redis_zk::redis_wrapper
