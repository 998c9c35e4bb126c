#include "sentinel-wrapper/restart_turn.h"

#include "base/log.h"

namespace redis_zk::sentinel_wrapper {

namespace {

// How long a Sentinel that was restarted with replicas to promote may take, on top of its down-after.
constexpr Duration kLongestTurn = 5s;

}  // namespace

RestartTurn::RestartTurn(daemon::WrapperLoop& loop, const WrapperOptions& options)
    : loop_(loop),
      options_(options),
      lock_(loop.session(), loop.registry().sentinels.RescuePath(),
            "sentinel-wrapper " + options.server.announce.ToAddress()) {}

bool RestartTurn::Take(const sentinel::SentinelReport& own, const std::string& group) {
  if (turn_) return false;
  auto held = lock_.Acquire();
  if (!held && held.error().kind == ErrorKind::kNotFound) {
    const auto made = loop_.registry().groups.Ensure(options_.common.master_name);
    held = made ? lock_.Acquire() : tl::unexpected(made.error());
  }
  if (!held) log::Debug({.event = "zookeeper-request-failed"}, "{}", held.error().message);
  if (!held || !*held) return false;
  turn_ = {group, own.master, Clock::now() + own.down_after + kLongestTurn};
  return true;
}

void RestartTurn::Look(const Reports& monitored, bool needed) {
  if (turn_) {
    const auto own = monitored.find(turn_->group);
    const bool goes_on =
        own != monitored.end() && own->second.master == turn_->master && Clock::now() < turn_->ends_at;
    if (goes_on) return;
    needed = false;
  }
  if (!needed) GiveBack();
}

void RestartTurn::GiveBackIfOver() {
  if (turn_ && Clock::now() >= turn_->ends_at) GiveBack();
}

void RestartTurn::GiveBack() {
  turn_.reset();
  if (!loop_.session().connected()) return;
  if (const auto released = lock_.Release(); !released)
    log::Debug({.event = "zookeeper-request-failed"}, "{}", released.error().message);
}

}  // namespace redis_zk::sentinel_wrapper
