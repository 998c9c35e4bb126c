// Where a wrapper keeps what it generates for as long as it runs: its server's configuration, which may hold
// passwords, and its word to health checks. RUN_DIR, or else a directory of the wrapper's own among the
// temporary ones, which a daemon with the same WORK_DIR and PORT0 finds.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "options/common_options.h"

namespace redis_zk::daemon {

std::string RunDirectoryOf(const ServerOptions& options);
// Where that is made when RUN_DIR is not set.
std::string TemporaryDirectory();

// What stands in it, by the port that is bound.
std::string ConfName(std::string_view daemon, std::int64_t port);
std::string HealthName(std::int64_t port);

// Makes the wrapper's own, closed to others; RUN_DIR is there already. The error names the directory.
Status MakeRunDirectory(const ServerOptions& options);

// Removes the wrapper's own when it is empty.
void RemoveRunDirectory(const ServerOptions& options);

}  // namespace redis_zk::daemon
