#include "daemon/server_passwords.h"

#include <fmt/core.h>

#include <utility>

#include "redis/default_user.h"

namespace redis_zk::daemon {

namespace {

const char* Describe(redis::Accepted accepted, const redis::Credentials& credentials) {
  if (credentials.old_password.empty()) return "the new password alone";
  if (accepted == redis::Accepted::kAll) return "the new password and the old one";
  return "the old password alone, since it has no ACL SETUSER; the new one once the file has no old one";
}

}  // namespace

bool ServerPasswords::Check(const redis::Conf& users) {
  const int generation = passwords_.generation();
  if (told_ == generation) return true;
  const auto credentials = credentials_.Get();
  if (redis::IsDefaultUserOurs(users, *credentials)) {
    const auto taken = redis::SetPasswords(own_server_, *credentials);
    if (!taken) {
      log_problem_(
          log::Severity::kError, {.event = "server-passwords-rejected"},
          fmt::format("{} keeps the passwords it had, retrying: {}; if this stays, restart this node",
                      server_, taken.error().message));
      return false;
    }
    log::Info({.event = "server-passwords-changed"}, "{} accepts {}", server_,
              Describe(*taken, *credentials));
  } else if (!credentials->password.empty()) {
    log::Info({.event = "server-passwords-left"},
              "{} accepts what your own rules for its users say, which are left as they are; see that they "
              "accept the passwords of the file",
              server_);
  }
  told_ = generation;
  log_problem_.Reset();
  return true;
}

}  // namespace redis_zk::daemon
