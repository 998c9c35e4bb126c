// Makes sure that no other wrapper announces our address, before our server is launched.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/time.h"
#include "daemon/waiting.h"
#include "daemon/wrapper_loop.h"
#include "options/common_options.h"
#include "redis/servers.h"
#include "store/addresses.h"

namespace redis_zk::daemon {

class AddressClaim {
 public:
  // `daemon` is its name; `servers` has the credentials of a server of our kind. The references must outlive
  // this.
  AddressClaim(WrapperLoop& loop, const CommonOptions& common, const ServerOptions& server,
               redis::Servers& servers, const std::string& daemon);

  // REQUIRES: our server does not run. Claims the announced address unless this session has, and waits for a
  // predecessor's session to end where a server still answers there. An exit code, explained in the log, when
  // another wrapper announces it, when MASTER_WAIT_TIMEOUT has passed, or when a signal asked us to stop.
  std::optional<int> Await();
  // While our server runs: puts the claim back where it went with a session. Waits for nothing; says so when
  // another wrapper has claimed the address meanwhile.
  void Keep();

 private:
  static constexpr Duration kLookAgain = 500ms;
  struct Found {
    store::AddressVerdict verdict = store::AddressVerdict::kWait;
    Wait wait{};
    Duration look_again = kLookAgain;
  };

  // Claims it once, if it is free; says so where it is refused. `patience`: how long a predecessor is
  // awaited.
  Found Look(std::optional<TimePoint>* patience);

  WrapperLoop& loop_;
  const CommonOptions& common_;
  const ServerOptions& server_;
  redis::Servers& servers_;
  const std::string name_;
  store::Addresses addresses_;
  std::int64_t claimed_session_ = 0;
  LogOnChange log_failure_;
};

}  // namespace redis_zk::daemon
