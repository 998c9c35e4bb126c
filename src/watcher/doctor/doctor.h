// The command doctor: looks at a whole installation and says what to mend.
#pragma once

#include "watcher/options.h"
#include "zookeeper/session.h"

namespace redis_zk::watcher::doctor {

// The whole command: its exit code. Changes nothing in ZooKeeper or on any server.
int Diagnose(WatcherOptions options, const zookeeper::SessionFactory& open_session);

}  // namespace redis_zk::watcher::doctor
