// Says at a start that a server is open to its network.
#pragma once

#include <string_view>

#include "net/endpoint.h"
#include "redis/credentials.h"

namespace redis_zk::daemon {

// Warns if the server that is announced at `address` will take commands without a password from other hosts.
// `risk`: what they can do, behind "can"; `option`: the password's.
void WarnIfOpen(const Endpoint& address, const redis::Credentials& credentials, std::string_view risk,
                std::string_view option);

}  // namespace redis_zk::daemon
