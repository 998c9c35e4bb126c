// What the lives of the two wrappers have in common: the loop, and the ZooKeeper session.
//
// A wrapper is written as a sequence of steps; every step that has to wait calls Pump, which handles what
// happened meanwhile: signals, the session's upkeep, the server's end.
//
// One thread, the process's main thread, does everything here.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "base/log.h"
#include "base/time.h"
#include "daemon/certificates.h"
#include "daemon/health.h"
#include "daemon/passwords.h"
#include "daemon/reporter.h"
#include "daemon/waiting.h"
#include "options/common_options.h"
#include "os/event_queue.h"
#include "os/signals.h"
#include "os/supervisor.h"
#include "store/registry.h"
#include "zookeeper/session.h"

namespace redis_zk::daemon {

class WrapperLoop {
 public:
  // `daemon` is its name. The references must outlive the loop.
  WrapperLoop(const CommonOptions& common, const ServerOptions& server, const BlockedSignals& signals,
              const zookeeper::SessionFactory& open_session, const std::string& daemon);
  ~WrapperLoop();
  WrapperLoop(const WrapperLoop&) = delete;
  WrapperLoop& operator=(const WrapperLoop&) = delete;

  zookeeper::Session& session() { return *session_; }
  store::Registry& registry() { return registry_; }
  HealthFile& health() { return health_; }
  // What watchers are told; what it can know by itself it is told in Pump.
  Reporter& reporter() { return reporter_; }
  const BlockedSignals& signals() const { return signals_; }
  // Looked after in Pump.
  const Certificates& certificates() const { return secrets_.certificates; }
  const Passwords& passwords() const { return secrets_.passwords; }

  // Waits for ZooKeeper. An exit code when the start is over.
  std::optional<int> Connect();

  // Waits for one event and handles it; returns at `deadline` at the latest, and earlier when the session or
  // the server wants to be looked after.
  void Pump(TimePoint deadline);

  // A start that cannot go on says what for, in the log, to health checks and, when it lasts, to the
  // watchers. As often as it looks again.
  void SayWaiting(Wait wait);
  // What this daemon waits for while its server runs, or stops; health checks are told by others. Nothing: it
  // waits for nothing.
  void NoteWaiting(std::optional<Wait> wait) { waiting_.Note(std::move(wait), Clock::now()); }
  // Of one that has not come to its end, nothing is said.
  void DropWait() { waiting_.Drop(); }

  // How often a signal asked us to stop. The server does not know of it before it is told to stop; from then
  // on, one more request kills it, unless it is a SIGTERM.
  int stop_requests() const { return stop_requests_; }
  bool stop_requested() const { return stop_requests_ > 0; }

  // Whether anything happened in ZooKeeper since this was asked last.
  bool TakeZooKeeperNews();

  // Looks after the server from now on: hands signals on to it, and notices its end. Whatever was waited for
  // is over.
  void Supervise(std::unique_ptr<os::Process> server, Duration stop_timeout);
  // Of the server that runs, or has ended; nullptr: there is none.
  os::Supervisor* supervisor() { return supervisor_ ? &*supervisor_ : nullptr; }
  // Forgets a server that has ended, but for its exit code.
  void EndSupervision() { supervisor_.reset(); }
  // Our exit code, once the server has ended.
  std::optional<int> exit_code() const { return exit_code_; }

 private:
  using Event = std::variant<SignalReceived, zookeeper::SessionEvent>;
  // What is read again when its files change.
  struct Secrets {
    Certificates certificates;
    Passwords passwords;
  };

  void OnSignal(int number);
  // Nothing is written while the end of the server has still to be dealt with, which may be urgent.
  void KeepReport(TimePoint now);
  // That of the daemon's work says all there is to say, where there is one.
  void SayWaitingForZooKeeper(TimePoint now);

  const CommonOptions& common_;
  const BlockedSignals& signals_;
  HealthFile health_;
  Secrets secrets_;
  Waiting waiting_;
  Waiting waiting_for_zookeeper_;
  EventQueue<Event> queue_;
  std::unique_ptr<zookeeper::Session> session_;
  store::Registry registry_;
  Reporter reporter_;
  std::optional<os::Supervisor> supervisor_;
  std::optional<int> exit_code_;
  int stop_requests_ = 0;
  TimePoint due_at_ = Clock::now();  // from when on the loop has had something to do
  bool zookeeper_news_ = false;
};

}  // namespace redis_zk::daemon
