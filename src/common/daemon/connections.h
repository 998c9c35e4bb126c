// Everything that a daemon reaches over the network: the seams that tests replace.
#pragma once

#include "redis/servers.h"
#include "sentinel/subscriber.h"
#include "zookeeper/session.h"

namespace redis_zk::daemon {

struct Connections {
  zookeeper::SessionFactory open_session;
  redis::Network network;
  sentinel::SubscribeTo subscribe{};  // of the watcher only
};

}  // namespace redis_zk::daemon
