// Removes generated configurations, which may hold passwords: a wrapper's own at its end, and those of
// wrappers that were killed at the next start. Only regular files of our user whose names are those of
// generated ones; no link is followed.
#pragma once

#include <string>

#include "options/common_options.h"

namespace redis_zk::daemon {

// Of all wrappers that were killed: in RUN_DIR, or, without one, in the directories that wrappers make for
// themselves. A wrapper that lives holds the lock of its health file. Logs what it has removed; what cannot
// be removed stays.
//
// Call it before this process has a health file.
void RemoveLeftovers(const ServerOptions& options);

// A configuration with its drafts, also those that the server began when it rewrote it.
void RemoveConf(const std::string& path);

}  // namespace redis_zk::daemon
