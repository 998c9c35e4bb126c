// The commands that ask a running watcher: status, events, failover, pause, resume, explain; and those that
// do without: secure-zookeeper, doctor.
#pragma once

#include "os/signals.h"
#include "watcher/options.h"

namespace redis_zk::watcher::cli {

// Carries out options.command, prints to stdout, complains to stderr in one line, and returns the exit code.
// `signals` are given back to those who send them: a command ends with its signal, but for a stream of
// events, which they end with 0, as does a closed pipe.
int Run(const WatcherOptions& options, const BlockedSignals& signals);

}  // namespace redis_zk::watcher::cli
