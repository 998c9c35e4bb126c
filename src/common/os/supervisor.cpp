#include "os/supervisor.h"

#include <signal.h>

#include <algorithm>

#include "base/exit_code.h"
#include "base/log.h"

namespace redis_zk::os {

namespace {

constexpr Duration kAskAgain = 1s;
constexpr Duration kMostPatience = 5s;

}  // namespace

void Supervisor::OnSignal(int number, TimePoint now) {
  switch (number) {
    case SIGTERM:
      // Schedulers repeat it until the task is gone, Marathon every ten seconds: that is no reason to kill a
      // server that saves its data.
      if (!stopping()) Stop(now);
      break;
    case SIGINT:
    case SIGQUIT:
      Stop(now);
      break;
    case SIGUSR1:
    case SIGUSR2:
      server_->Signal(number);
      break;
    default:
      break;
  }
}

void Supervisor::Stop(TimePoint now) {
  if (killed_) return;
  if (stopping()) {
    log::Warn({.event = "stop-repeated"}, "received a second stop signal; killing the server");
    server_->Kill();
    killed_ = true;
    return;
  }
  stop_deadline_ = now + stop_timeout_;
  patience_ = kAskAgain;
  ask_again_at_ = now + patience_;
  server_->Signal(SIGTERM);
}

void Supervisor::OnTick(TimePoint now) {
  if (!stop_deadline_ || killed_) return;
  if (now < *stop_deadline_) {
    if (now < ask_again_at_) return;
    patience_ = std::min(2 * patience_, kMostPatience);
    ask_again_at_ = now + patience_;
    // Once more just before the end, which would cost what is not saved.
    const TimePoint last = *stop_deadline_ - kAskAgain;
    if (now < last) ask_again_at_ = std::min(ask_again_at_, last);
    server_->Signal(SIGTERM);
    return;
  }
  log::Warn({.event = "stop-timeout"}, "the server did not exit within {} ms (STOP_TIMEOUT); killing it",
            stop_timeout_.count());
  server_->Kill();
  killed_ = true;
}

std::optional<TimePoint> Supervisor::deadline() const {
  if (!stop_deadline_ || killed_) return std::nullopt;
  return std::min(*stop_deadline_, ask_again_at_);
}

std::optional<int> Supervisor::Reap() {
  const auto code = server_->Reap();
  if (!code) return std::nullopt;
  // redis-server answers SIGTERM with exit 0; a Sentinel, which installs no handler in some versions, dies of
  // it.
  const bool stopped_by_request =
      stopping() && !killed_ && (*code == 0 || *code == kExitSignalBase + SIGTERM);
  return stopped_by_request ? kExitStopped : *code;
}

}  // namespace redis_zk::os
