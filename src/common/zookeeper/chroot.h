// Makes the chroot of a connection string, which a session below it cannot see: over a connection of its own.
//
// Same thread as the session's owner. A failure leaves the parents that were made.
#pragma once

#include <string>
#include <vector>

#include "base/backoff.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "zookeeper/security.h"

namespace redis_zk::zookeeper {

class ChrootMaker {
 public:
  // `chroot`: "/path". `backoff`: the pauses after failures.
  ChrootMaker(std::string chroot, Security security, Duration session_timeout, Duration request_timeout,
              Backoff backoff);

  // No error when it is there. Blocks for up to one request timeout for the connection and for each part of
  // the path. Each try is a session of its own, so that after a failure it returns the same until a pause
  // has passed.
  Status Make(const std::vector<std::string>& addresses);

 private:
  Status Try(const std::vector<std::string>& addresses) const;

  const std::string chroot_;
  const Security security_;
  const Duration session_timeout_;
  const Duration request_timeout_;
  Backoff backoff_;
  TimePoint try_at_{};
  Status made_;
  LogOnChange log_problem_;
};

}  // namespace redis_zk::zookeeper
