// Finds out what `watcher doctor` looks at: asks ZooKeeper, every Redis and Sentinel, and this machine.
// Changes nothing.
#pragma once

#include "base/result.h"
#include "options/common_options.h"
#include "redis/servers.h"
#include "watcher/doctor/checkup.h"
#include "zookeeper/session.h"

namespace redis_zk::watcher::doctor {

// Blocks until everything has answered or had its time: half a second for every 128 servers, some
// milliseconds for each that answers, and two seconds for a host name whose name server is silent. An error
// says what could not be read in ZooKeeper; kNotFound: no daemon has ever used this ZK_ROOT.
Result<Checkup> Examine(const CommonOptions& common, zookeeper::Session& session,
                        const redis::Network& network);

}  // namespace redis_zk::watcher::doctor
