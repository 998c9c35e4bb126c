// Which addresses in the Sentinels' tables are another server's by now: functions of values.
//
// Schedulers reuse addresses within seconds. A Sentinel pings the newcomer, takes it for the replica that had
// the address, and after eight seconds makes it a replica of the group's master: all its data are replaced.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "net/endpoint.h"
#include "watcher/cleanup.h"
#include "watcher/cleanup_view.h"
#include "watcher/look_turns.h"
#include "watcher/status.h"

namespace redis_zk::watcher {

// How long a replica of unknown data may still be one of ours in its first copy.
inline constexpr Duration kBecomesKnownWithin = 8s;

// The replicas in the Sentinels' tables that no member of the group is; `up`: only those that a Sentinel
// finds up.
std::set<Endpoint> FindUnregistered(const CleanUpView& view, bool up);
// What is strange about the group's entries, once FindForeign has judged them; nothing: all are known to be
// the group's. At an address where nothing answers another server may begin at any moment.
std::optional<LookTurns::Strange> FindStrange(const CleanUpView& view);
// The same of all groups, as far as the observer's answers and the registrations say it.
std::map<std::string, LookTurns::Strange> FindStrange(
    const FleetStatus& observed, const std::map<std::string, std::vector<store::Member>>& members);
// The masters of the unregistered replicas that answer, as far as they have not been asked.
std::set<Endpoint> FindUnregisteredMasters(const CleanUpView& view);
// The Sentinels that others find up, and that no registration or identity in use accounts for.
std::vector<sentinel::PeerReport> FindUnregisteredPeers(const CleanUpView& view);
// Whether something else than the Sentinel `id` answers so to SENTINEL MYID. Who refuses to say it may be it.
bool IsImpostor(const std::string& id, const redis::Reply& reply);

// The addresses of replicas that are foreign: registered in another group, or answering with data that are
// not of this one, or registered nowhere, refusing us and acting as master. A replica without a name for its
// data may be about to copy ours, and is given time for that, unless it follows a foreign server. Notes since
// when it is seen.
std::set<Endpoint> FindForeign(const CleanUpView& view, TimePoint now, CleanUpMemory* memory);

}  // namespace redis_zk::watcher
