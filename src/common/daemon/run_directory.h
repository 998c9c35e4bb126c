// Where a wrapper keeps what it generates for as long as it runs: its server's configuration, which may hold
// passwords, and its word to health checks. RUN_DIR, or else a directory of the wrapper's own among the
// temporary ones, which a daemon with the same WORK_DIR and PORT0 finds.
#pragma once

#include <string>

#include "base/result.h"
#include "options/common_options.h"

namespace redis_zk::daemon {

std::string RunDirectoryOf(const ServerOptions& options);

// Makes the wrapper's own, closed to others; RUN_DIR is there already. The error names the directory.
Status MakeRunDirectory(const ServerOptions& options);

// Removes the wrapper's own when it is empty.
void RemoveRunDirectory(const ServerOptions& options);

}  // namespace redis_zk::daemon
