// What the lives of the two wrappers have in common: the loop, the ZooKeeper session, and the server they
// supervise.
//
// A wrapper is written as a sequence of steps; every step that has to wait calls Pump, which handles what
// happened meanwhile: signals, the session's upkeep, the server's end.
//
// One thread, the process's main thread, does everything here.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "daemon/health.h"
#include "options/common_options.h"
#include "os/event_queue.h"
#include "os/signals.h"
#include "os/supervisor.h"
#include "store/registry.h"
#include "zookeeper/session.h"

namespace redis_zk::daemon {

class WrapperLoop {
 public:
  // What a probe of the server found.
  enum class Answer { kNone, kLoading, kServing };

  // The references must outlive the loop.
  WrapperLoop(const CommonOptions& common, const ServerOptions& server, const BlockedSignals& signals,
              const zookeeper::SessionFactory& open_session);
  ~WrapperLoop();
  WrapperLoop(const WrapperLoop&) = delete;
  WrapperLoop& operator=(const WrapperLoop&) = delete;

  zookeeper::Session& session() { return *session_; }
  store::Registry& registry() { return registry_; }
  HealthFile& health() { return health_; }

  // Waits for ZooKeeper. An exit code when the start is over.
  std::optional<int> Connect();

  // Waits for one event and handles it; returns at `deadline` at the latest, and earlier when the session or
  // the server wants to be looked after.
  void Pump(TimePoint deadline);

  // A start that cannot go on says what for, in the log and to health checks. In a loop, for only a change is
  // news.
  void SayWaiting(const std::string& reason, log::Severity severity = log::Severity::kInfo);

  // How often a signal asked us to stop. The server does not know of it before StopServer; from then on, one
  // more request kills it, unless it is a SIGTERM.
  int stop_requests() const { return stop_requests_; }
  bool stop_requested() const { return stop_requests_ > 0; }

  // Whether anything happened in ZooKeeper since this was asked last.
  bool TakeZooKeeperNews();

  // Writes what the server is launched with, readable by its owner only, for it may hold passwords; it is
  // removed when this loop ends. The path.
  Result<std::string> WriteConf(std::string_view daemon, std::string_view text);
  const std::string& conf_path() const { return conf_path_; }
  // Starts the server, which inherits the descriptor `kept`. An exit code, explained in the log, when it
  // cannot be started, or when somebody else goes on listening at its address.
  std::optional<int> Launch(const std::string& binary, const std::string& conf_path, int kept = -1);
  // Waits until `probe` finds it serving. An exit code when it will not: the server ended, START_TIMEOUT
  // passed, a signal asked us to stop. A probe's error is final: a server that answers but refuses us.
  // `tried_again`: the code after which the caller starts the server once more, so that it is no error yet.
  std::optional<int> AwaitServing(const std::function<Result<Answer>()>& probe,
                                  std::optional<int> tried_again = std::nullopt);
  // What is wrong with the process `pid` as the one that answers at our address: a foreign server, whose data
  // and role are not ours to record, or a child of a script that will not pass our signals on. Nothing: it is
  // the server that was launched.
  std::optional<std::string> NotOurs(std::int64_t pid) const;
  // Our exit code, once the server has ended.
  std::optional<int> exit_code() const { return exit_code_; }
  // Stops the server and waits for its end.
  int StopServer();
  // Whether nobody can reach the server any more, since the address it is bound to is gone for good: end, so
  // that whoever restarts us starts at the new one. Says so. Ask about once a second.
  bool AddressIsLost();

 private:
  using Event = std::variant<SignalReceived, zookeeper::SessionEvent>;

  void OnSignal(int number);

  const CommonOptions& common_;
  const ServerOptions& server_;
  const BlockedSignals& signals_;
  HealthFile health_;
  std::string conf_path_;  // empty: none was written
  LogOnChange log_waiting_;
  LogOnChange log_long_wait_;
  std::optional<TimePoint> waiting_since_;  // until a server is launched
  EventQueue<Event> queue_;
  std::unique_ptr<zookeeper::Session> session_;
  store::Registry registry_;
  std::optional<os::Supervisor> supervisor_;
  std::optional<int> exit_code_;
  int stop_requests_ = 0;
  std::optional<TimePoint> moved_since_;
  bool zookeeper_news_ = false;
};

}  // namespace redis_zk::daemon
