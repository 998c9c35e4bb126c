// How the daemons begin.
#pragma once

#include <string_view>

#include "options/common_options.h"

namespace redis_zk::daemon {

// First thing in every program, before it opens anything.
void PrepareProcess();

// A wrapper whose options are right: log, warnings of what is open to others, and no leftovers of an earlier
// one. `daemon`: its name.
void BeginWrapper(std::string_view daemon, const CommonOptions& common, const ServerOptions& server);

}  // namespace redis_zk::daemon
