// All behaviors that are configured.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "watcher/behaviors/behavior.h"
#include "watcher/behaviors/runner.h"

namespace redis_zk::watcher {

// Loop thread only, but for Statuses. Its threads are the runners'.
class Behaviors {
 public:
  Behaviors(Host host, std::vector<BehaviorSettings> settings);
  // Ends them all at the same time.
  ~Behaviors();
  Behaviors(const Behaviors&) = delete;
  Behaviors& operator=(const Behaviors&) = delete;

  // Waits for none of them.
  void Tell(const Event& event);

  // From now on these. Those that are the same as before go on with what they have; those that are gone end
  // by themselves. What has changed, in one sentence; empty when there were and are none.
  std::string Replace(std::vector<BehaviorSettings> settings);

  // Makes the threads that could not be made. Call about once a second, until the end is requested.
  void Maintain();

  // Begins their end without waiting for it.
  void RequestStop();

  // Any thread.
  std::vector<BehaviorStatus> Statuses() const;

 private:
  const Host host_;
  mutable std::mutex mutex_;  // of the list, which the loop alone changes
  std::vector<std::unique_ptr<Runner>> runners_;
  std::vector<std::unique_ptr<Runner>> leaving_;
};

}  // namespace redis_zk::watcher
