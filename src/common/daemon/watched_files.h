// Whether files have changed since they were read. Loop thread only.
#pragma once

#include <sys/types.h>

#include <ctime>
#include <string>
#include <vector>

#include "base/time.h"

namespace redis_zk::daemon {

class WatchedFiles {
 public:
  // They have just been read. An empty path is none.
  explicit WatchedFiles(std::vector<std::string> paths);

  // They are read again as if they had changed, once.
  void ForgetRead() { read_.clear(); }

  // Looks once a second. True: they are others than those read last, and have been as they are for a second:
  // several are not written at once.
  bool HaveChanged(TimePoint now);
  // Looks at once.
  void Look() { seen_ = Stat(); }
  // They have been read as they were at the last look. True: they were others than those read before.
  bool NoteRead();

 private:
  // Tells a file from the one that stood there before.
  struct Stamp {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    time_t seconds = 0;
    long nanoseconds = 0;
    bool operator==(const Stamp&) const = default;
  };

  std::vector<Stamp> Stat() const;

  const std::vector<std::string> paths_;
  TimePoint look_at_{};
  std::vector<Stamp> read_;
  std::vector<Stamp> seen_;
};

}  // namespace redis_zk::daemon
