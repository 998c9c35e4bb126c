#include "daemon/exposure.h"

#include "base/log.h"

namespace redis_zk::daemon {

void WarnIfOpen(const Endpoint& address, const redis::Credentials& credentials, std::string_view risk,
                std::string_view option) {
  if (!credentials.password.empty() || IsLoopback(address.host)) return;
  log::Warn({.event = "server-open"},
            "no password: whoever reaches {} can {}; set {} for all daemons, or let nobody else reach it",
            address.ToAddress(), risk, option);
}

}  // namespace redis_zk::daemon
