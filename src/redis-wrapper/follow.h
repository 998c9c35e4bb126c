// Whether a running server has to be pointed at another master: functions of values. The caller checks that
// the other acts as master before it redirects.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "net/endpoint.h"
#include "redis/server_info.h"
#include "sentinel/reports.h"
#include "store/record.h"

namespace redis_zk::redis_wrapper {

// The recorded master, when `own` is a replica of another one, without a link to it, or of one that is
// `succeeded`: a replica itself. Sentinel does this for the replicas it knows, unless its failover was cut
// short; it does not know one whose master died before Sentinel saw them together, and that replica would
// wait for a dead address for ever.
std::optional<Endpoint> MissedMaster(const redis::ServerInfo& own, const Endpoint& self,
                                     const store::Record& record, bool succeeded);

// The recorded master, when `own` still acts as one after the group has gone on without it: a failover was
// asked for while it was alive, or it was cut off or frozen and is back. Sentinel demotes it only some eleven
// seconds later, and what is written to it until then is lost.
//
// `has_led`: the record named this node since it became master, or had the time to. Before it did, the record
// may simply not have heard of the promotion yet. A record without its lineage may be any client's, and
// demotes no master.
std::optional<Endpoint> Successor(const redis::ServerInfo& own, const Endpoint& self,
                                  const store::Record& record, bool has_led);

// Whether the group goes on with the recorded master, and no Sentinel that answers knows of a promotion of
// `self` that the record is still to hear of: `self` was promoted on the smaller side of a cut. `reports` are
// of those that answer of `registered` ones; those that they know beside count as well, for a list may just
// be filling again.
bool IsPassedOver(const Endpoint& self, const store::Record& record,
                  const std::vector<sentinel::SentinelReport>& reports, std::size_t registered);

}  // namespace redis_zk::redis_wrapper
