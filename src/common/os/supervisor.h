// Looks after the server from its launch to its end: forwards signals, stops it with patience and then
// without, and turns its end into our exit code.
//
// Stopping only escalates: TERM, again and again, since redis-server refuses it while it writes its first
// append-only file or cannot save, and more seldom, since it says so each time; then KILL to the whole group
// when the deadline passes or SIGINT or SIGQUIT asks again. Loop thread only; waits for nothing.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "base/time.h"
#include "os/process.h"

namespace redis_zk::os {

class Supervisor {
 public:
  Supervisor(std::unique_ptr<Process> server, Duration stop_timeout)
      : server_(std::move(server)), stop_timeout_(stop_timeout) {}

  // Hands a signal on to the server. SIGTERM, SIGINT and SIGQUIT mean Stop, a repeated SIGTERM nothing.
  void OnSignal(int number, TimePoint now);
  void Stop(TimePoint now);
  // Call when the time of deadline() has come.
  void OnTick(TimePoint now);
  // When OnTick has something to do; nothing while it has not.
  std::optional<TimePoint> deadline() const;

  const Process& server() const { return *server_; }
  bool stopping() const { return stop_deadline_.has_value(); }

  // Our exit code once the server has ended: 0 when it was asked to stop and did so by itself.
  std::optional<int> Reap();

 private:
  const std::unique_ptr<Process> server_;
  const Duration stop_timeout_;
  std::optional<TimePoint> stop_deadline_;
  TimePoint ask_again_at_{};
  Duration patience_{};  // until then
  bool killed_ = false;
};

}  // namespace redis_zk::os
