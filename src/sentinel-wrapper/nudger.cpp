#include "sentinel-wrapper/nudger.h"

#include <fmt/core.h>

#include <utility>

#include "failover/order.h"
#include "sentinel-wrapper/rescue.h"
#include "sentinel/client.h"

namespace redis_zk::sentinel_wrapper {

namespace {

// Sentinel chooses in the second or third turn of its timer, which are a tenth of a second apart.
constexpr Duration kChoiceTimeout = 2s;
constexpr Duration kLookForChoiceEvery = 20ms;

}  // namespace

Nudger::Nudger(const redis::Network& network, Endpoint sentinel, std::string group,
               std::function<bool(TimePoint)> pause)
    : network_(network),
      sentinel_(std::move(sentinel)),
      group_(std::move(group)),
      pause_(std::move(pause)),
      guard_(network, group_) {}

Status Nudger::RequestFailover() const {
  // The other Sentinels were asked before.
  const auto ordered =
      failover::OrderFailover(network_.sentinels, {.group = group_, .sentinels = {{sentinel_, ""}}});
  if (ordered.kind == failover::Ordered::Kind::kTaken) return {};
  if (ordered.kind == failover::Ordered::Kind::kRunning)
    return Fail(ErrorKind::kRefused, "INPROG: a failover runs already");
  const std::string& why = ordered.refusals.empty() ? ordered.why : ordered.refusals.front().second;
  return Fail(ErrorKind::kRefused, why);
}

Result<std::string> Nudger::Nudge(Duration down_after) {
  const auto asked = RequestFailover();
  if (asked) return std::string("Sentinel accepted");
  if (asked.error().message.find("NOGOODSLAVE") == std::string::npos) return tl::unexpected(asked.error());
  return NudgeWithRaised(down_after);
}

Result<std::string> Nudger::NudgeWithRaised(Duration down_after) {
  const auto known = sentinel::Client(network_.sentinels, sentinel_).AskKnownInstances(group_);
  if (!known) return tl::unexpected(known.error());
  const auto raised = RaisedDownAfter(down_after, known->replicas);
  if (!raised)
    return Fail(ErrorKind::kRefused,
                "NOGOODSLAVE: it knows no replica that it may promote, whatever its down-after");
  auto asked =
      guard_.Set(failover::TemporarySetting::kDownAfter, sentinel_, down_after.count(), raised->count());
  if (asked) asked = RequestFailover();
  if (asked) AwaitChoice();
  SettleDebt();
  if (!asked) return tl::unexpected(asked.error());
  return fmt::format(
      "Sentinel accepted with a temporary down-after of {} ms, since every replica lost the master long ago",
      raised->count());
}

void Nudger::AwaitChoice() const {
  const TimePoint deadline = Clock::now() + kChoiceTimeout;
  while (pause_(Clock::now() + kLookForChoiceEvery) && Clock::now() < deadline) {
    const auto known = sentinel::Client(network_.sentinels, sentinel_).AskKnownInstances(group_);
    // Afterwards Sentinel looks at down-after no more in this failover.
    if (!known || HasChosen(known->replicas)) return;
  }
}

}  // namespace redis_zk::sentinel_wrapper
