#include "daemon/wrapper_loop.h"

#include <fmt/core.h>
#include <net/if.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/exit_code.h"
#include "base/file.h"
#include "base/log.h"
#include "daemon/connect.h"
#include "daemon/reload.h"
#include "daemon/run_directory.h"

namespace redis_zk::daemon {

namespace {

// How often the session is looked after when nothing happens.
constexpr Duration kUpkeep = 1s;
// How often a starting server is asked whether it serves yet.
constexpr Duration kProbeInterval = 4ms;
// While it loads its data, which every question interrupts, or somebody else has its port: both take longer.
constexpr Duration kSlowProbeInterval = 50ms;
constexpr Duration kPortPatience = 2s;
// An address that is being replaced may be away for a moment.
constexpr Duration kMovedForGood = 10s;
// A wait that lasts this long needs a look by a person, whatever it is for.
constexpr std::chrono::seconds kLongWait = 60s;

}  // namespace

WrapperLoop::WrapperLoop(const CommonOptions& common, const ServerOptions& server,
                         const BlockedSignals& signals, const zookeeper::SessionFactory& open_session)
    : common_(common),
      server_(server),
      signals_(signals),
      health_(server),
      queue_(signals),
      session_(open_session(common.zk_hosts, common.zk_session_timeout,
                            [this](zookeeper::SessionEvent event) { queue_.Push(std::move(event)); })),
      registry_(*session_, common.zk_root) {
  health_.Say(false, "waiting for ZooKeeper");
}

WrapperLoop::~WrapperLoop() {
  // While the queue still exists: closing the session may push a last event.
  session_.reset();
  if (!conf_path_.empty()) unlink(conf_path_.c_str());
}

std::optional<int> WrapperLoop::Connect() {
  return ConnectZooKeeper(
      *session_, common_, [this](TimePoint deadline) { Pump(deadline); },
      [this] { return stop_requested(); });
}

void WrapperLoop::Pump(TimePoint deadline) {
  TimePoint wake = std::min(deadline, Clock::now() + kUpkeep);
  if (supervisor_ && supervisor_->deadline()) wake = std::min(wake, *supervisor_->deadline());
  const auto event = queue_.Pop(wake);
  if (event && std::holds_alternative<SignalReceived>(*event)) {
    OnSignal(std::get<SignalReceived>(*event).number);
  } else if (event) {
    zookeeper_news_ = true;
  }
  session_->Maintain(Clock::now());
  health_.Touch(Clock::now());
  if (supervisor_) supervisor_->OnTick(Clock::now());
}

void WrapperLoop::OnSignal(int number) {
  if (number == SIGCHLD) {
    // PID 1 also inherits processes that are not ours.
    if (!supervisor_) os::ReapStrangers();
    if (supervisor_ && !exit_code_) exit_code_ = supervisor_->Reap();
    return;
  }
  if (number == SIGHUP) {
    Reload(common_);
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

void WrapperLoop::SayWaiting(const std::string& reason, log::Severity severity) {
  if (!waiting_since_) waiting_since_ = Clock::now();
  const auto waited = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - *waiting_since_);
  if (severity == log::Severity::kInfo && waited >= kLongWait) {
    log_long_wait_(log::Severity::kWarn, {.event = "waiting-long"},
                   fmt::format("still waiting after more than {} s: {}", kLongWait.count(), reason));
  } else {
    log_waiting_(severity, {.event = "waiting"}, reason);
  }
  health_.Say(false, reason);
}

bool WrapperLoop::TakeZooKeeperNews() { return std::exchange(zookeeper_news_, false); }

Result<std::string> WrapperLoop::WriteConf(std::string_view daemon, std::string_view text) {
  std::string path =
      AbsolutePath(fmt::format("{}/{}-{}.conf", RunDirectoryOf(server_), daemon, server_.bind.port));
  auto written = MakeRunDirectory(server_);
  if (written) written = WriteFileAtomically(path, text);
  if (!written) return tl::unexpected(written.error());
  conf_path_ = path;
  return path;
}

std::optional<int> WrapperLoop::Launch(const std::string& binary, const std::string& conf_path, int kept) {
  // It was free when the options were read, maybe long ago. Whoever took it would be taken for our server;
  // but he may be about to end.
  const TimePoint deadline = Clock::now() + kPortPatience;
  for (auto bindable = CheckBindable(server_.bind); !bindable; bindable = CheckBindable(server_.bind)) {
    if (Clock::now() >= deadline) {
      log::Error({.event = "port-in-use"}, "exiting: {}; stop what listens there, or change PORT0",
                 bindable.error().message);
      return kExitTryAgain;
    }
    Pump(Clock::now() + kSlowProbeInterval);
    if (stop_requested()) return kExitStopped;
  }
  auto child = os::Child::Start({.argv = {binary, conf_path},
                                 .work_dir = server_.work_dir,
                                 .signal_mask = signals_.original_mask(),
                                 .log_name = std::filesystem::path(binary).filename(),
                                 .kept = kept});
  if (!child) {
    log::Error({.event = "launch-failed"}, "exiting: cannot start the server: {}", child.error().message);
    return child.error().kind == ErrorKind::kNotFound ? kExitNotFound : kExitNotExecutable;
  }
  exit_code_.reset();
  waiting_since_.reset();
  log_waiting_.Reset();
  log_long_wait_.Reset();
  health_.Say(false, "the server is starting");
  supervisor_.emplace(std::move(*child), server_.stop_timeout);
  return std::nullopt;
}

std::optional<int> WrapperLoop::AwaitServing(const std::function<Result<Answer>()>& probe,
                                             std::optional<int> tried_again) {
  TimePoint deadline = Clock::now() + server_.start_timeout;
  bool loading = false;
  while (true) {
    Pump(Clock::now() + (loading ? kSlowProbeInterval : kProbeInterval));
    if (exit_code_) {
      const int code = stop_requested() ? *exit_code_ : std::max<int>(*exit_code_, 1);
      const auto severity = code == tried_again ? log::Severity::kWarn : log::Severity::kError;
      log::Say(severity, {.event = "server-start-failed"},
               "the server exited with code {} before it answered; its own lines above say why", *exit_code_);
      return code;
    }
    if (stop_requested()) return StopServer();
    const auto answer = probe();
    if (!answer) {
      log::Error({.event = "server-rejected"}, "exiting: {}", answer.error().message);
      StopServer();
      return kExitConfig;
    }
    if (*answer == Answer::kServing) return std::nullopt;
    if (*answer == Answer::kLoading) {
      deadline = Clock::now() + server_.start_timeout;
      if (!std::exchange(loading, true)) log::Info({.event = "loading"}, "the server is loading its data");
      health_.Say(false, "the server is loading its data");
    }
    if (Clock::now() >= deadline) {
      log::Error({.event = "start-timeout"},
                 "exiting: the server did not answer within {} ms (START_TIMEOUT); see its own lines above",
                 server_.start_timeout.count());
      StopServer();
      return kExitUnavailable;
    }
  }
}

std::optional<std::string> WrapperLoop::NotOurs(std::int64_t pid) const {
  const pid_t launched = supervisor_ ? supervisor_->pid() : 0;
  if (pid == launched) return std::nullopt;
  if (getpgid(static_cast<pid_t>(pid)) == launched)
    return fmt::format(
        "process {1}, a child of the launched process {2}, answers on {0}: a script must start the server by "
        "exec, or the server never gets our signals",
        server_.bind.ToAddress(), pid, launched);
  return fmt::format(
      "process {1} answers on {0} instead of the launched process {2}; stop it, or change PORT0",
      server_.bind.ToAddress(), pid, launched);
}

int WrapperLoop::StopServer() {
  if (supervisor_ && !exit_code_ && !supervisor_->stopping()) {
    log::Info({.event = "stopping"}, "stopping the server");
    health_.Say(false, "the server is stopping");
    supervisor_->Stop(Clock::now());
  }
  const bool ends = supervisor_ && !exit_code_;
  while (supervisor_ && !exit_code_) Pump(Clock::now() + kUpkeep);
  if (ends) log::Info({.event = "stopped"}, "the server exited after the stop, code {}", *exit_code_);
  supervisor_.reset();
  return exit_code_.value_or(kExitStopped);
}

bool WrapperLoop::AddressIsLost() {
  const auto addresses = ListInterfaceAddresses();
  const bool interface_exists = if_nametoindex(server_.net_iface.c_str()) != 0;
  const auto now_at = addresses ? MovedTo(server_, interface_exists, *addresses) : std::nullopt;
  if (!now_at) {
    moved_since_.reset();
    return false;
  }
  if (!moved_since_) moved_since_ = Clock::now();
  if (Clock::now() - *moved_since_ < kMovedForGood) return false;
  log::Error({.event = "bind-address-lost"},
             "bind address {} disappeared from {} (now {}); exiting {} so that the scheduler restarts on {}",
             server_.bind.host, server_.net_iface, *now_at, kExitTryAgain, *now_at);
  return true;
}

}  // namespace redis_zk::daemon
