#include "daemon/server_passwords.h"

#include <fmt/core.h>

#include <utility>

#include "redis/default_user.h"

namespace redis_zk::daemon {

void ServerPasswords::Check(const redis::Conf& users) {
  const int generation = passwords_.generation();
  if (told_ == generation) return;
  const auto credentials = credentials_.Get();
  if (redis::IsDefaultUserOurs(users, *credentials)) {
    if (const auto taken = redis::SetPasswords(own_server_, *credentials); !taken) {
      log_problem_(
          log::Severity::kError, {.event = "server-passwords-rejected"},
          fmt::format("{} keeps the passwords it had, retrying: {}; if this stays, restart this node",
                      server_, taken.error().message));
      return;
    }
    log::Info(
        {.event = "server-passwords-changed"}, "{} accepts {}", server_,
        credentials->old_password.empty() ? "the new password alone" : "the new password and the old one");
  }
  told_ = generation;
  log_problem_.Reset();
}

}  // namespace redis_zk::daemon
