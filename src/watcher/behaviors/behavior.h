// What is to happen when something has happened: the interface of a behavior, and what is told of one.
#pragma once

#include <signal.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "options/options.h"
#include "watcher/event.h"

namespace redis_zk::watcher {

class Behavior {
 public:
  Behavior() = default;
  virtual ~Behavior() = default;
  Behavior(const Behavior&) = delete;
  Behavior& operator=(const Behavior&) = delete;

  // Does what is to happen, on a thread that is its own and that it may hold up, but within a time limit of
  // its own. Once `stop` is requested it returns within about a second. An error is one sentence without
  // secrets.
  virtual Status Handle(const Event& event, const std::stop_token& stop) = 0;
};

// What behaviors need to know of the process that they run in.
struct Host {
  sigset_t signal_mask{};  // what a child starts with
};

// One section [behavior.NAME] of the config file, found to be right.
struct BehaviorSettings {
  using Make = std::function<std::unique_ptr<Behavior>(const std::string& name, const Host& host)>;

  ConfigSection section;     // as it was read: what differs here is another behavior
  std::string kind;          // "exec"
  std::set<std::string> on;  // event kinds; empty: all
  std::size_t queue = 0;     // how many events may wait
  Make make;
};

struct BehaviorStatus {
  std::string name;
  std::string kind;
  bool busy = false;  // with an event that is not among the queued ones
  std::size_t queued = 0;
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  std::uint64_t dropped = 0;
  std::string last_error;  // empty: none has failed
};

}  // namespace redis_zk::watcher
