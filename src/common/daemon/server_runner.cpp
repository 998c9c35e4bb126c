#include "daemon/server_runner.h"

#include <fmt/core.h>
#include <net/if.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <utility>

#include "base/exit_code.h"
#include "base/file.h"
#include "base/log.h"
#include "base/printable.h"
#include "daemon/leftovers.h"
#include "daemon/run_directory.h"
#include "os/child.h"
#include "os/oom_kills.h"
#include "redis/conf_check.h"

namespace redis_zk::daemon {

namespace {

// How often a starting server is asked whether it serves yet.
constexpr Duration kProbeInterval = 4ms;
// While it loads its data, which every question interrupts, or another server has its port: both take longer.
constexpr Duration kSlowProbeInterval = 50ms;
constexpr Duration kPortPatience = 2s;
// How long a replica whose disk is full does not ask for another copy, which costs its master a fork.
constexpr Duration kTryToStoreAgain = 30s;
// An address that is being replaced may be away for a moment.
constexpr Duration kMovedForGood = 10s;

}  // namespace

ServerRunner::ServerRunner(WrapperLoop& loop, const ServerOptions& server, os::Launcher launch)
    : loop_(loop), server_(server), launch_(std::move(launch)) {}

ServerRunner::~ServerRunner() {
  if (!conf_path_.empty()) RemoveConf(conf_path_);
}

Status ServerRunner::WriteConf(std::string_view daemon, std::string_view text) {
  std::string path = AbsolutePath(RunDirectoryOf(server_) + '/' + ConfName(daemon, server_.bind.port));
  auto written = MakeRunDirectory(server_);
  if (written) written = WriteFileAtomically(path, text);
  if (written) conf_path_ = std::move(path);
  return written;
}

Start ServerRunner::Run(const std::string& binary, const std::function<Result<Answer>()>& probe, int kept) {
  if (const auto failed = AwaitPort()) return *failed;
  if (const auto failed = Launch(binary, kept)) return *failed;
  return AwaitServing(probe);
}

std::optional<Start> ServerRunner::AwaitPort() {
  // It was free when the options were read, maybe long ago. What took it would be taken for our server;
  // but he may be about to end.
  const TimePoint deadline = Clock::now() + kPortPatience;
  for (auto bindable = CheckBindable(server_.bind); !bindable; bindable = CheckBindable(server_.bind)) {
    if (Clock::now() >= deadline) {
      log::Error({.event = "port-in-use"}, "exiting: {}; stop what listens there, or change PORT0",
                 bindable.error().message);
      return Start{Start::Kind::kFailed, kExitTryAgain};
    }
    loop_.Pump(Clock::now() + kSlowProbeInterval);
    if (loop_.stop_requested()) return Start{Start::Kind::kStopped, kExitStopped};
  }
  return std::nullopt;
}

std::optional<Start> ServerRunner::Launch(const std::string& binary, int kept) {
  complaints_ = std::make_shared<redis::ComplaintReader>();
  load_ = std::make_shared<redis::LoadFailureReader>();
  storage_ = std::make_shared<redis::StorageTrouble>();
  const auto hear = [complaints = complaints_, load = load_, storage = storage_](std::string_view line) {
    load->Hear(line);
    storage->Hear(line, Clock::now());
    return complaints->Hear(line);
  };
  auto launched = launch_({.argv = {binary, conf_path_},
                           .work_dir = server_.work_dir,
                           .signal_mask = loop_.signals().original_mask(),
                           .log_name = std::filesystem::path(binary).filename(),
                           .log_edit = hear,
                           .kept = kept});
  if (!launched) {
    log::Error({.event = "launch-failed"}, "exiting: cannot start the server: {}", launched.error().message);
    return Start{Start::Kind::kFailed,
                 launched.error().kind == ErrorKind::kNotFound ? kExitNotFound : kExitNotExecutable};
  }
  oom_kills_ = os::CountOomKills();
  loop_.health().Say(false, "the server is starting");
  loop_.Supervise(std::move(*launched), server_.stop_timeout);
  return std::nullopt;
}

Start ServerRunner::AwaitServing(const std::function<Result<Answer>()>& probe) {
  TimePoint deadline = Clock::now() + server_.start_timeout;
  bool loading = false;
  while (true) {
    loop_.Pump(Clock::now() + (loading ? kSlowProbeInterval : kProbeInterval));
    if (loop_.exit_code() && loop_.stop_requested()) return {Start::Kind::kStopped, *loop_.exit_code()};
    if (loop_.exit_code()) {
      // Then all it has written has been heard.
      loop_.EndSupervision();
      return {Start::Kind::kServerEnded, *loop_.exit_code(),          complaints_->complaint(),
              load_->failure(),          loading && !load_->loaded(), storage_->Find(Clock::now())};
    }
    if (loop_.stop_requested()) return {Start::Kind::kStopped, Stop()};
    if (!loading) {
      loop_.NoteWaiting(Wait{.name = "server-start",
                             .sentence = "waiting until the started server answers (START_TIMEOUT)",
                             .told = true,
                             .until = deadline});
    }
    const auto answer = probe();
    if (!answer) {
      log::Error({.event = "server-rejected"}, "exiting: {}", answer.error().message);
      return StopAfterFailure(kExitConfig);
    }
    if (*answer == Answer::kServing) {
      loop_.NoteWaiting(std::nullopt);
      return {};
    }
    if (*answer == Answer::kLoading) {
      deadline = Clock::now() + server_.start_timeout;
      if (!std::exchange(loading, true)) log::Info({.event = "loading"}, "the server is loading its data");
      loop_.health().Say(false, "the server is loading its data");
      loop_.NoteWaiting(
          Wait{.name = "loading", .sentence = "waiting until the server has loaded its data", .told = true});
    }
    if (Clock::now() >= deadline) {
      log::Error({.event = "start-timeout"},
                 "exiting: the server did not answer within {} ms (START_TIMEOUT); see its own lines above",
                 server_.start_timeout.count());
      return StopAfterFailure(kExitUnavailable);
    }
  }
}

Start ServerRunner::StopAfterFailure(int exit_code) {
  Stop();
  return {Start::Kind::kFailed, exit_code};
}

std::optional<std::string> ServerRunner::NotOurs(std::int64_t pid) const {
  const auto* const supervisor = loop_.supervisor();
  const pid_t launched = supervisor != nullptr ? supervisor->server().pid() : 0;
  if (pid == launched) return std::nullopt;
  if (supervisor != nullptr && supervisor->server().Leads(static_cast<pid_t>(pid)))
    return fmt::format(
        "process {1}, a child of the launched process {2}, answers on {0}: a script must start the server by "
        "exec, or the server never gets our signals",
        server_.bind.ToAddress(), pid, launched);
  return fmt::format(
      "process {1} answers on {0} instead of the launched process {2}; stop it, or change PORT0",
      server_.bind.ToAddress(), pid, launched);
}

bool ServerRunner::RefusesOthers(redis::Servers& servers) const {
  // A wildcard is asked over loopback. At any other address it would have refused us, too.
  if (!IsWildcard(server_.bind.host)) return false;
  const auto answer = servers.Ask(server_.announce, {{"PING"}});
  return answer && answer->front().is_error() && redis::IsProtected(answer->front().text);
}

std::optional<Wait> ServerRunner::FindStorageTrouble(const std::string& directory) const {
  const auto why = storage_ ? storage_->Find(Clock::now()) : std::nullopt;
  if (!why) return std::nullopt;
  return Wait{.name = "storage",
              .sentence = fmt::format("the server cannot write to {}: {}; free space there, or repair the "
                                      "disk: the server goes on by itself then",
                                      directory, *why),
              .needs_person = true};
}

bool ServerRunner::CannotStore() const {
  const auto failed_at = storage_ ? storage_->copy_failed_at() : std::nullopt;
  return failed_at && Clock::now() - *failed_at < kTryToStoreAgain;
}

std::string ServerRunner::DescribeEnd(int exit_code) const {
  if (exit_code == kExitSignalBase + SIGKILL) {
    const auto oom_kills = os::CountOomKills();
    if (oom_kills_ && oom_kills && *oom_kills > *oom_kills_)
      return "the kernel killed it for lack of memory; raise the memory limit of the container, or lower "
             "maxmemory";
    return "something killed it: the kernel for lack of memory, which dmesg tells, or a person";
  }
  if (const auto why = storage_ ? storage_->Find(Clock::now()) : std::nullopt)
    return fmt::format("it could not write its files: {}; free space on its disk, or repair it", *why);
  return "its own lines above say why";
}

int ServerRunner::Stop() {
  auto* const supervisor = loop_.supervisor();
  const bool runs = supervisor != nullptr && !loop_.exit_code();
  if (runs && !supervisor->stopping()) {
    log::Info({.event = "stopping"}, "stopping the server");
    loop_.health().Say(false, "the server is stopping");
    supervisor->Stop(Clock::now());
  }
  if (runs) {
    // What was waited for until now has not come, and does not matter any more.
    loop_.DropWait();
    const Wait wait{.name = "server-stop",
                    .sentence = "waiting until the server exits after the stop (STOP_TIMEOUT)",
                    .told = true,
                    .until = Clock::now() + server_.stop_timeout};
    while (!loop_.exit_code()) {
      loop_.NoteWaiting(wait);
      loop_.Pump(Clock::now() + zookeeper::kUpkeep);
    }
    log::Info({.event = "stopped"}, "the server exited after the stop, code {}", *loop_.exit_code());
  }
  loop_.EndSupervision();
  loop_.NoteWaiting(std::nullopt);
  return loop_.exit_code().value_or(kExitStopped);
}

bool ServerRunner::AddressIsLost() {
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

void LogServerEnded(const Start& start, log::Severity severity, const redis::Conf& users,
                    const std::string& path, const std::string& directory) {
  if (start.storage) {
    log::Say(severity, {.event = "server-start-failed"},
             "the server exited with code {} before it answered, since it cannot write to {}: {}; free space "
             "there, or repair the disk",
             start.exit_code, directory, *start.storage);
    return;
  }
  if (start.complaint) {
    log::Say(severity, {.event = "conf-refused"}, "the server refuses its configuration: {}",
             redis::Describe(*start.complaint, users, path));
    return;
  }
  const std::string logfile = Printable(users.Value("logfile"));
  log::Say(severity, {.event = "server-start-failed"},
           "the server exited with code {} before it answered; {} why", start.exit_code,
           logfile.empty() ? "its own lines above say" : "its own lines above or in " + logfile + " say");
}

}  // namespace redis_zk::daemon
