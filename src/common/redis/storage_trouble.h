// What a server says of a file that it cannot write (aof.c, rdb.c and replication.c of Redis 5 to 8 and of
// Valkey): its disk is full, read-only or broken. It goes on, and tries again and again.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace redis_zk::redis {

// Any thread.
class StorageTrouble {
 public:
  // A line of the server's output.
  void Hear(std::string_view line, TimePoint now);

  // Why it could not write, in the words of the C library. Nothing: it has not said so for a minute. A
  // failure that lasts is repeated after half a minute at the latest.
  std::optional<std::string> Find(TimePoint now) const;
  // When it could not store the copy of a master's data last.
  std::optional<TimePoint> copy_failed_at() const;

 private:
  mutable std::mutex mutex_;
  std::string why_;
  TimePoint heard_at_{};
  std::optional<TimePoint> copy_failed_at_;
};

}  // namespace redis_zk::redis
