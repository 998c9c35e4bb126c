// The one place that sends SENTINEL FAILOVER.
//
// The order needs no votes. So it is never given while a failover runs at any Sentinel that answers, or has
// just made another one the master there, since the second one may promote a second replica; never to a
// Sentinel in TILT, which would carry it out half a minute later; to no second Sentinel when the answer of
// the first was lost; and not on the smaller side of a cut, where it would promote a master beside that of
// the larger side, in the same epoch.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "net/endpoint.h"
#include "redis/servers.h"
#include "sentinel/reports.h"

namespace redis_zk::failover {

// Of those that answer.
std::vector<sentinel::SentinelReport> WithAnswer(
    const std::vector<Result<sentinel::SentinelReport>>& answers);

// The newest report of another master than `old_master`, if it is newer than all that name that one: those
// have not heard of it, for hellos come every two seconds, or it has not heard for long. nullptr: there is
// none.
const sentinel::SentinelReport* FindSuccession(const Endpoint& old_master,
                                               const std::vector<sentinel::SentinelReport>& reports);

// How many Sentinels have to name the master: one where ZooKeeper confirms it, otherwise more than half.
std::size_t ConfirmationsNeeded(bool recorded, std::size_t registered);

struct OrderTerms {
  std::string group;
  std::optional<Endpoint> master;         // which is to be replaced; nothing: the one each Sentinel names
  std::vector<sentinel::Peer> sentinels;  // all that are looked at
  std::size_t needed = 1;                 // of these, see ConfirmationsNeeded
  // Which to ask until one takes the order, in this order. Empty: all that name the master, the last first,
  // see sentinel/client.h, RequestFailover.
  std::vector<Endpoint> asked{};
  // No order while a Sentinel that could take it calls the master down: an election may be on its way.
  bool leave_to_election = false;
};

struct Ordered {
  enum class Kind {
    kTaken,        // by `sentinel`
    kMayBeTaken,   // the answer of `sentinel` was lost
    kRunning,      // a failover runs at `sentinel` already, or has ended there and not everybody has heard
    kUnconfirmed,  // fewer Sentinels than needed name the master
    kLeft,         // to an election
    kRefused,      // none of those that were to be asked took it
  };
  Kind kind = Kind::kRefused;
  Endpoint sentinel{};
  std::string why{};                                         // kMayBeTaken, kUnconfirmed, kRefused
  std::vector<std::pair<Endpoint, std::string>> refusals{};  // those that were asked, and said no
  std::size_t naming = 0;                                    // Sentinels that name the master
  bool names_another = false;                                // a Sentinel that answers names another master
  std::optional<Endpoint> noticed{};                         // a Sentinel that calls the master down
};
Ordered OrderFailover(redis::Servers& sentinels, const OrderTerms& terms);

}  // namespace redis_zk::failover
