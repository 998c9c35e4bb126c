// Makes sure that no other wrapper announces our address, before our server is launched.
#pragma once

#include <optional>
#include <string>

#include "config/common_options.h"
#include "daemon/wrapper_loop.h"

namespace redis_zk::daemon {

// Claims the announced address, and waits for a predecessor's session to end where a server still answers
// there. An exit code, explained in the log, when another wrapper announces it, or when a signal asked us to
// stop. `daemon` is its name; `credentials` are those of a server of our kind.
std::optional<int> ClaimAddress(WrapperLoop& loop, const CommonOptions& common, const ServerOptions& server,
                                const Credentials& credentials, const std::string& daemon);

}  // namespace redis_zk::daemon
