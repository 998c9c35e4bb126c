#include "sentinel-wrapper/nudger.h"

#include <fmt/core.h>

#include <utility>

#include "sentinel-wrapper/rescue.h"
#include "sentinel/client.h"

namespace redis_zk::sentinel_wrapper {

namespace {

// Sentinel chooses in the second or third turn of its timer, which are a tenth of a second apart.
constexpr Duration kChoiceTimeout = 2s;
constexpr Duration kLookAgain = 20ms;

}  // namespace

Nudger::Nudger(const sentinel::Client& sentinel, std::string group, std::function<bool(TimePoint)> pause)
    : sentinel_(sentinel), group_(std::move(group)), pause_(std::move(pause)) {}

Status Nudger::RequestFailover() const { return sentinel_.RequestFailover(group_); }

Result<std::string> Nudger::Nudge(Duration down_after) {
  const auto asked = RequestFailover();
  if (asked) return std::string("Sentinel accepted");
  if (asked.error().message.find("NOGOODSLAVE") == std::string::npos) return tl::unexpected(asked.error());
  return NudgeWithRaised(down_after);
}

Result<std::string> Nudger::NudgeWithRaised(Duration down_after) {
  const auto known = sentinel_.AskKnownInstances(group_);
  if (!known) return tl::unexpected(known.error());
  const auto raised = RaisedDownAfter(down_after, known->replicas);
  if (!raised)
    return Fail(ErrorKind::kRefused,
                "NOGOODSLAVE: it knows no replica that it may promote, whatever its down-after");
  // Owed from now on: an answer may get lost.
  owed_ = down_after;
  auto asked = sentinel_.SetDownAfter(group_, *raised);
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
  while (pause_(Clock::now() + kLookAgain) && Clock::now() < deadline) {
    const auto known = sentinel_.AskKnownInstances(group_);
    // Afterwards Sentinel looks at down-after no more in this failover.
    if (!known || HasChosen(known->replicas)) return;
  }
}

void Nudger::SettleDebt() {
  if (!owed_) return;
  if (const auto set = sentinel_.SetDownAfter(group_, *owed_); !set) {
    log_problem_(log::Severity::kWarn, {.event = "down-after-not-restored", .group = group_},
                 fmt::format("cannot set down-after back to {} ms, retrying: {}", owed_->count(),
                             set.error().message));
    return;
  }
  log_problem_.Reset();
  owed_.reset();
}

}  // namespace redis_zk::sentinel_wrapper
