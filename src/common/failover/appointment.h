// A replica that a Sentinel has promoted, and does not know to be the master yet.
//
// Of a promotion that it ordered Sentinel learns by the replica's next INFO, for which it asks once a second
// while a failover runs, whatever its INFO period (sentinel.c, sentinelSendPeriodicCommands); the other
// Sentinels hear of it then. The promoted one itself knows at once, and so does who handed over to it:
// recorded by them, the new master is known before that second has passed by all but the Sentinel that leads
// the failover. That one is not told, but may hear from the others, and then ends the failover early.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "net/endpoint.h"
#include "redis/servers.h"
#include "sentinel/reports.h"
#include "store/record.h"
#include "store/registry.h"

namespace redis_zk::failover {

// Records `promoted`, which acts as a master, where a Sentinel of ours says that its failover chose it, in
// place of `replaced`, where its epoch is newer, and adds that to the event log, written `by` whom. The
// record then; nothing: it was not recorded. It will be all the same, as soon as a Sentinel names it.
std::optional<store::Record> RecordAppointed(redis::Servers& sentinels,
                                             const std::vector<sentinel::Peer>& registered,
                                             const std::string& group, const Endpoint& promoted,
                                             const store::Record& replaced, store::Registry& registry,
                                             const std::string& by);

}  // namespace redis_zk::failover
