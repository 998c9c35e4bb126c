// The life of a sentinel-wrapper: connect, wait for a master, launch, register, supervise.
#pragma once

#include <optional>
#include <string>

#include "base/log.h"
#include "base/signals.h"
#include "daemon/wrapper_loop.h"
#include "registry/record.h"
#include "sentinel-wrapper/options.h"

namespace redis_zk::sentinel_wrapper {

class Wrapper {
 public:
  // Both must outlive the wrapper.
  Wrapper(const WrapperOptions& options, const BlockedSignals& signals);

  // Returns the process's exit code.
  int Run();

 private:
  tl::expected<Endpoint, int> AwaitMaster();
  std::optional<int> Start(const Endpoint& master);
  Result<daemon::WrapperLoop::Answer> Probe() const;
  int Supervise();
  void KeepRegistered();

  const WrapperOptions& options_;
  daemon::WrapperLoop loop_;
  const registry::Sentinel self_;
  LogOnChange log_waiting_;
  std::int64_t registered_session_ = 0;
};

}  // namespace redis_zk::sentinel_wrapper
