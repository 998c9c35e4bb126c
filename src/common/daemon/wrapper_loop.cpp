#include "daemon/wrapper_loop.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/random_id.h"
#include "base/unix_time.h"
#include "daemon/connect.h"
#include "daemon/exposure.h"
#include "daemon/reload.h"
#include "os/child.h"

namespace redis_zk::daemon {

WrapperLoop::WrapperLoop(const CommonOptions& common, const ServerOptions& server,
                         const BlockedSignals& signals, const zookeeper::SessionFactory& open_session,
                         const std::string& daemon)
    : common_(common),
      signals_(signals),
      health_(server),
      secrets_{Certificates(common.redis_tls.files, common.redis_tls.source), Passwords(common)},
      queue_(signals),
      session_(open_session(common.zk_hosts, common.zk_security, common.zk_session_timeout,
                            [this](zookeeper::SessionEvent event) { queue_.Push(std::move(event)); })),
      registry_(*session_, common.zk_root),
      reporter_(*session_, registry_.reports,
                {.uuid = NewUuid(),
                 .daemon = daemon,
                 .group = common.master_name,
                 .endpoint = server.announce,
                 .version = REDIS_ZK_VERSION,
                 .started = UnixTime()},
                IsOpen(common, server, daemon), fmt::format("{}/redis-zk-{}.json", server.work_dir, daemon)) {
  health_.Say(false, "waiting for ZooKeeper");
}

WrapperLoop::~WrapperLoop() {
  // While the queue still exists: closing the session may push a last event.
  session_.reset();
}

std::optional<int> WrapperLoop::Connect() {
  return ConnectZooKeeper(
      *session_, common_, [this](TimePoint deadline) { Pump(deadline); },
      [this] { return stop_requested(); });
}

void WrapperLoop::Pump(TimePoint deadline) {
  const TimePoint began = Clock::now();
  reporter_.NoteTurn(began - due_at_);
  TimePoint wake = std::min(deadline, Clock::now() + zookeeper::kUpkeep);
  if (supervisor_ && supervisor_->deadline()) wake = std::min(wake, *supervisor_->deadline());
  const auto event = queue_.Pop(wake);
  // One that is woken late has been late since then.
  due_at_ = std::min(std::max(wake, began), Clock::now());
  if (event && std::holds_alternative<SignalReceived>(*event)) {
    OnSignal(std::get<SignalReceived>(*event).number);
  } else if (event) {
    zookeeper_news_ = true;
  }
  session_->Maintain(Clock::now());
  SayWaitingForZooKeeper(Clock::now());
  health_.Touch(Clock::now());
  secrets_.certificates.Look(Clock::now());
  secrets_.passwords.Look(Clock::now());
  if (supervisor_) supervisor_->OnTick(Clock::now());
  KeepReport(Clock::now());
}

void WrapperLoop::KeepReport(TimePoint now) {
  if (supervisor_ && exit_code_) return;
  reporter_.NoteWait(waiting_.FindLong(now), now);
  reporter_.NoteCertificates(secrets_.certificates.Expiries());
  reporter_.Keep(now);
}

void WrapperLoop::OnSignal(int number) {
  if (number == SIGCHLD) {
    // PID 1 also inherits processes that are not ours.
    if (!supervisor_) os::ReapStrangers();
    if (!supervisor_ || exit_code_) return;
    exit_code_ = supervisor_->Reap();
    if (exit_code_ && !supervisor_->stopping()) reporter_.NoteExit(*exit_code_);
    return;
  }
  if (number == SIGHUP) {
    Reload(common_);
    secrets_.certificates.Reload();
    secrets_.passwords.Reload();
    return;
  }
  if (number == SIGTERM || number == SIGINT || number == SIGQUIT) {
    log::Info({.event = "stop-requested"}, "stop requested by signal {}", number);
    ++stop_requests_;
    // Whether the server stops now, or hands over first, is for the wrapper to say.
    if (supervisor_ && !supervisor_->stopping()) return;
  }
  if (supervisor_ && !exit_code_) supervisor_->OnSignal(number, Clock::now());
}

void WrapperLoop::SayWaiting(Wait wait) {
  health_.Say(false, wait.sentence);
  waiting_.Say(std::move(wait), Clock::now());
}

void WrapperLoop::SayWaitingForZooKeeper(TimePoint now) {
  if (session_->connected()) {
    waiting_for_zookeeper_.End(now);
  } else if (!waiting_.current()) {
    waiting_for_zookeeper_.Say(
        WaitForZooKeeper(Describe(common_.zk_hosts), session_->refused(), session_->outage()), now);
  }
}

bool WrapperLoop::TakeZooKeeperNews() { return std::exchange(zookeeper_news_, false); }

void WrapperLoop::Supervise(std::unique_ptr<os::Process> server, Duration stop_timeout) {
  exit_code_.reset();
  waiting_.End(Clock::now());
  supervisor_.emplace(std::move(server), stop_timeout);
  reporter_.NoteLaunch();
}

}  // namespace redis_zk::daemon
