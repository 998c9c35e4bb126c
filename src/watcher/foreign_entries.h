// Which addresses in the Sentinels' tables are another server's by now: functions of values.
//
// Schedulers reuse addresses within seconds. A Sentinel pings the newcomer, takes it for the replica that had
// the address, and after eight seconds makes it a replica of the group's master: all its data are replaced.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "net/endpoint.h"
#include "watcher/cleanup.h"
#include "watcher/cleanup_view.h"

namespace redis_zk::watcher {

// How long a replica of unknown data may still be one of ours in its first copy.
inline constexpr Duration kBecomesKnownWithin = 8s;

// The replicas in the Sentinels' tables that no member of the group is; `up`: only those that a Sentinel
// finds up.
std::set<Endpoint> FindUnregistered(const CleanUpView& view, bool up);
// Whether the Sentinels list an address at which nothing shows that the group's server is there still:
// another may begin there at any moment.
bool HasUnknown(const CleanUpView& view);
// The masters of the unregistered replicas that answer, as far as they have not been asked.
std::set<Endpoint> FindUnregisteredMasters(const CleanUpView& view);
// The Sentinels that others find up, and that no registration or identity in use accounts for.
std::vector<sentinel::PeerReport> FindUnregisteredPeers(const CleanUpView& view);
// Whether something else than the Sentinel `id` answers so to SENTINEL MYID. Who refuses to say it may be it.
bool IsImpostor(const std::string& id, const redis::Reply& reply);

// The addresses of replicas that are foreign: registered in another group, or answering with data that are
// not of this one. A replica without a name for its data may be about to copy ours, and is given time for
// that, unless it follows a foreign server. Notes since when it is seen.
std::set<Endpoint> FindForeign(const CleanUpView& view, TimePoint now, CleanUpMemory* memory);

}  // namespace redis_zk::watcher
