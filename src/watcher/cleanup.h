// When to make Sentinels forget those that are gone for good: functions of values.
//
// A stale entry is a Sentinel or a replica that is gone (scaled down, moved) while a living Sentinel still
// counts it. A failover needs a majority of all that are counted, so stale entries add up until there can be
// none any more. Sentinel cannot forget a single one: SENTINEL RESET forgets all of a group's replicas and
// peers, and finds the living ones again from the master, blind until its next INFO. While the master is
// down, or during a failover, it makes the group unrecoverable. Therefore:
//   - nothing is done unless the group is in perfect health but for its stale entries;
//   - only one Sentinel is blind at a time, and the next has its turn when that one has found all servers
//   again;
//   - no Sentinel is made to forget the same stale entry twice;
//   - the first verification that fails ends it for a while.
// An entry may return, and is given time for that; one whose address is another server's by now is not, since
// its Sentinel would soon order the newcomer to copy this group's data.
// What ZooKeeper keeps for those that are gone is tidied up under the same conditions.
#pragma once

#include <compare>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "store/record.h"
#include "watcher/cleanup_view.h"

namespace redis_zk::watcher {

// How long a Sentinel may take to find all servers again, and what follows when it does not.
inline constexpr Duration kFindAgainWithin = 30s;
inline constexpr Duration kPauseAfterFailedVerification = 5min;
// How long data are remembered that no living node has reported.
inline constexpr Duration kForgetDataAfter = 24h;

// What has to be known from earlier views.
struct CleanUpMemory {
  struct Sighting {
    std::string group;
    std::string sentinel;     // the uuid of the one that counts it
    std::string stale_entry;  // a Sentinel's id or a replica's address

    auto operator<=>(const Sighting&) const = default;
  };
  struct Verification {
    std::string group;
    store::Sentinel sentinel;  // the one that was made to forget
    TimePoint deadline;
  };

  std::map<Sighting, TimePoint> stale_since;
  std::map<Sighting, TimePoint> forgotten_at;  // by a RESET
  std::map<std::string, TimePoint> identities_free_since;
  std::map<std::pair<std::string, Endpoint>, TimePoint> strangers_since;  // by group
  std::optional<Verification> verifying;
  TimePoint paused_until{};
};

struct CleanUpAction {
  enum class Kind {
    kNothing,         // there is nothing to clean up, or it is not for this watcher
    kWait,            // stale entries that may return, or a Sentinel that is finding all servers again
    kRefuse,          // there is something to clean up, and the group is not fit for it
    kAskServers,      // look closer: the servers have to be asked
    kReset,           // make `sentinel` forget `stale_entries`
    kVerified,        // the Sentinel that was made to forget has found all servers again
    kGiveUp,          // the verification failed
    kRemoveIdentity,  // `entry` is the identity's uuid
    kForgetDataset,   // `entry` is the node
  };
  Kind kind = Kind::kNothing;
  std::string reason;  // one sentence; of what is to be done, a phrase that names it
  store::Sentinel sentinel;
  std::vector<std::string> stale_entries;
  std::string entry;
};

// Notes who is a stale entry in `view`, and since when. Those of a Sentinel that did not answer stay as they
// were.
void Remember(const CleanUpView& view, TimePoint now, CleanUpMemory* memory);

// Forgets the stale entries of groups that are none any more: one of the same name is new. What a RESET has
// made Sentinels forget stays, until it is as old as it may become.
void ForgetGroups(const std::map<std::string, store::Record>& groups, CleanUpMemory* memory);

// The single next thing to do. Asked again after kAskServers, with the servers in the view.
CleanUpAction DecideCleanUp(const CleanUpView& view, const CleanUpMemory& memory, Duration patience,
                            TimePoint now);

// Notes what is about to be done.
void Note(const std::string& group, const CleanUpAction& action, TimePoint now, CleanUpMemory* memory);

}  // namespace redis_zk::watcher
