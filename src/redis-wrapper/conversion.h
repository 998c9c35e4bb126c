// Brings a server that was launched with another kind of persistence than redis.conf asks for (see loading.h)
// to that one, while it serves.
//
// The old file stays in force until the new one is complete: Redis writes both under another name first.
// Loop thread only.
#pragma once

#include <cstdint>

#include "base/log.h"
#include "base/time.h"
#include "redis/servers.h"

namespace redis_zk::redis_wrapper {

class Conversion {
 public:
  enum class To { kNothing, kAppendOnly, kSnapshots };
  enum class Order { kNone, kAppendOnlyOn, kAppendOnlyOff, kSave };

  explicit Conversion(To to) : to_(to) {}

  bool pending() const { return to_ != To::kNothing; }

  // What to order now. Ends what is pending when the server keeps the right file. Call it about once a
  // second.
  Order Next(const redis::ServerInfo& own, TimePoint now);

  // Carries Next out, and says so.
  void Check(const redis::ServerInfo& own, redis::KeptServer& server);
  // Before the server is stopped: Redis does not end while it writes its first append-only file, and a
  // snapshot is as good where one is written at the end. `snapshots`: it is.
  void BeforeStop(const redis::ServerInfo& own, bool snapshots, redis::KeptServer& server);

 private:
  To to_;
  TimePoint order_again_at_{};
  std::int64_t saved_before_ = -1;  // rdb_last_save_time when the save was ordered; -1: it was not
  LogOnChange log_problem_;
};

}  // namespace redis_zk::redis_wrapper
