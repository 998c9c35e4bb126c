#include "daemon/exposure.h"

#include "base/log.h"

namespace redis_zk::daemon {

void WarnIfOpen(const Endpoint& address, const redis::Credentials& credentials, std::string_view risk,
                std::string_view option) {
  if (!credentials.password.empty() || IsLoopback(address.host)) return;
  log::Warn({.event = "server-open"},
            "no password: any client that reaches {} can {}; set {} for all daemons, or close the address to "
            "other clients",
            address.ToAddress(), risk, option);
}

}  // namespace redis_zk::daemon
