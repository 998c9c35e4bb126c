// Keeps our Sentinel registered in ZooKeeper, where clients find it, through the sessions.
//
// Loop thread only. What fails is logged and tried again with the next call.
#pragma once

#include <cstdint>
#include <string>

#include "base/log.h"
#include "base/time.h"
#include "daemon/wrapper_loop.h"
#include "sentinel-wrapper/options.h"

namespace redis_zk::sentinel_wrapper {

class Registration {
 public:
  // Both must outlive this.
  Registration(daemon::WrapperLoop& loop, const WrapperOptions& options) : loop_(loop), options_(options) {}

  // Registers the Sentinel where this session has not, and again now and then. REQUIRES: connected. True: it
  // was registered just now.
  bool Keep(const std::string& uuid);
  // Clients must stop finding it at the moment it stops, not when the session ends.
  void Remove(const std::string& uuid);
  // It is another Sentinel's now.
  void Forget() { session_ = 0; }

  // In some session, as far as is known.
  bool exists() const { return session_ != 0; }
  // In this session.
  bool is_current() const { return session_ == loop_.session().id(); }

 private:
  daemon::WrapperLoop& loop_;
  const WrapperOptions& options_;
  std::int64_t session_ = 0;
  TimePoint again_at_{};
  LogOnChange log_failure_;
};

}  // namespace redis_zk::sentinel_wrapper
