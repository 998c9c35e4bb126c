// The pauses as a daemon has read them last: what it must leave alone. Their beginnings and ends are logged.
//
// Loop thread only.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "base/log.h"
#include "base/result.h"
#include "store/pause.h"

namespace redis_zk::daemon {

class Pauses {
 public:
  // `about`: empty, or the one group that the daemon looks after.
  explicit Pauses(std::string about = "") : about_(std::move(about)) {}

  // As read from ZooKeeper. After an error, which is logged, what was read before holds on: nothing else
  // waits for it.
  void Take(Result<store::Pauses> read);
  // Logs what has ended since; it costs nothing to call it often.
  void Look();
  // The pause of the group; nothing: it is not paused.
  const store::Pause* Find(const std::string& group) const;
  const store::Pauses& read() const { return read_; }

 private:
  const std::string about_;
  store::Pauses read_;
  std::map<std::string, std::int64_t> told_;  // the ends of those under way, as logged
  LogOnChange log_failure_;
};

}  // namespace redis_zk::daemon
