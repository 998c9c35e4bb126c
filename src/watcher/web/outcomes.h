// What the workers have answered, on its way to the poller.
//
// Any thread puts; the rest is for the poller's thread.
#pragma once

#include <mutex>
#include <utility>
#include <vector>

#include "watcher/web/connections.h"
#include "watcher/web/http_codec.h"

namespace redis_zk::watcher::web {

class Outcomes {
 public:
  struct Done {
    Connections::Id id;
    Outcome outcome;
  };

  // A worker has a request from now on.
  void Await() { ++awaited_; }
  void Put(Done done) {
    const std::lock_guard lock(mutex_);
    done_.push_back(std::move(done));
  }
  std::vector<Done> Take() {
    const std::lock_guard lock(mutex_);
    awaited_ -= static_cast<int>(done_.size());
    return std::exchange(done_, {});
  }

  int awaited() const { return awaited_; }

 private:
  int awaited_ = 0;
  std::mutex mutex_;
  std::vector<Done> done_;
};

}  // namespace redis_zk::watcher::web
