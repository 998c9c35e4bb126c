// redis-server processes in memory: launched with a wrapper's configuration, they serve in a FakeFleet until
// they are told to stop, or the test ends them.
//
// One thread, the one that owns the wrapper's loop: their end raises SIGCHLD there.
#pragma once

#include <pthread.h>
#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "os/process.h"
#include "support/fake_fleet.h"

namespace redis_zk::testing {

class FakeServers {
 public:
  // How those that are launched from now on are.
  struct Manners {
    std::optional<Error> not_launched{};
    Duration serves_after = 20ms;
    std::optional<int> ends_with{};           // instead of serving
    std::vector<std::string> says{};          // at once
    Duration loads_for{};                     // before it serves
    Duration copies_for = 300ms;              // a replica, from its master
    std::optional<Duration> stops_in = 50ms;  // after SIGTERM; nothing: it does not
    std::uint64_t keys = 0;                   // of a master
    std::int64_t offset = 0;
    std::optional<redis::Role> role{};  // whatever its configuration says
    std::function<void(FakeFleet::Redis&)> with{};
  };

  FakeServers(FakeFleet& fleet, FakeTime& time) : fleet_(fleet), time_(time), loop_(pthread_self()) {}
  FakeServers(const FakeServers&) = delete;
  FakeServers& operator=(const FakeServers&) = delete;

  os::Launcher Launcher();

  Manners manners;
  // Runs just before one is launched.
  std::function<void()> before_launch;
  // "master", or "replica of 10.0.0.1:6379", in their order.
  std::vector<std::string> launched;

  bool running() const { return run_ != nullptr && !run_->exit_code; }
  // Ends the one that runs.
  void End(int exit_code);

 private:
  struct Run {
    pid_t pid;
    Endpoint endpoint;
    Endpoint master;  // empty: it is one
    std::string priority;
    std::optional<int> exit_code{};
    bool stopping = false;
  };
  class Server;

  void Serve(const std::shared_ptr<Run>& run, const Manners& manners);
  void End(const std::shared_ptr<Run>& run, int exit_code);

  FakeFleet& fleet_;
  FakeTime& time_;
  const pthread_t loop_;
  std::shared_ptr<Run> run_;  // the last one
  pid_t last_pid_ = 100;
};

}  // namespace redis_zk::testing
