// Whether a server can copy from any master. Closed, its masterauth is a random text, with which every master
// refuses it, also one that has no password; open, it is REDIS_PASSWORD or the one that the user has set.
//
// Loop thread only. What fails is logged and tried again.
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "redis/servers.h"

namespace redis_zk::redis_wrapper {

class CopyLock {
 public:
  // `own_server` must outlive this.
  explicit CopyLock(redis::KeptServer& own_server) : own_server_(own_server) {}

  // Both do nothing where that is done. What a user sets while it is closed is closed as well, and is what
  // Open sets where it is given no `masterauth`. False: it failed. A server that refuses CONFIG is open,
  // since it was never closed.
  bool Close();
  bool Open(const std::optional<std::string>& masterauth = std::nullopt);

 private:
  // masteruser: nothing, Redis 5 has none.
  struct Login {
    std::string masterauth;
    std::optional<std::string> masteruser;

    bool operator==(const Login&) const = default;
  };

  Result<Login> Read();
  // An error without the server's text, which may repeat the password.
  Status Set(const Login& login);
  // Whether we have set it: a request whose answer was lost may have been carried out, late, too.
  bool IsOurs(const std::string& masterauth) const;
  bool IsClosed(const Login& now) const;
  // What the user has set, where the server has `now`.
  Login UsersOf(const Login& now) const;
  // Tells a failure of `what`, once.
  bool Tell(const Status& done, const std::string& what);

  redis::KeptServer& own_server_;
  bool closed_ = false;
  std::deque<std::string> texts_;  // that were sent to close it, the last few
  Login users_;                    // as read last
  TimePoint look_at_{};            // while it is closed, whether it still is
  LogOnChange log_failure_;
};

}  // namespace redis_zk::redis_wrapper
