// A node that starts on an address which the Sentinels still list as a server of another group, or which is
// recorded as the master of one: they would make its server a replica of that group's master, and that
// group's clients would write to it. So that has to be over before it serves, unless no node of that group
// has been left for a session's length: none could end it.
//
// Loop thread only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "daemon/waiting.h"
#include "net/endpoint.h"
#include "options/common_options.h"
#include "redis/servers.h"
#include "store/registry.h"

namespace redis_zk::redis_wrapper {

// How long a start waits at most, after the session of the one that had the address must have ended. A
// watcher's clean-up needs some seconds for each Sentinel; a group gets another master by then, unless its
// nodes wait for addresses, too.
inline constexpr Duration kForgottenWithin = 30s;
inline constexpr Duration kSucceededWithin = 15s;

class FormerOwner {
 public:
  // The references must outlive this. `longest`: of the whole wait for a master; half of it may be spent
  // here.
  FormerOwner(const CommonOptions& common, Duration longest, const Endpoint& self,
              const redis::Network& network, store::Registry& registry);

  // REQUIRES: this node is registered as a member that does not serve, by which the watchers know whose the
  // address is now. What the start has to wait for; nothing: it may go on. Logs an error when the Sentinels
  // have not forgotten the address in time, and the start goes on.
  Result<std::optional<daemon::Wait>> Check();

 private:
  struct Listing {
    std::string who;  // lists it: "Sentinel 10.0.0.4:26379"
    std::string group;
    bool as_master = false;
    bool group_lives = false;  // otherwise only a node that returns ends it
  };
  // Nothing: it was waited for long enough, or nothing is to be waited for, which is logged.
  std::optional<daemon::Wait> WaitFor(const Listing& listing);
  // A record's or a registered Sentinel's that has the address in another group; a living group's first.
  Result<std::optional<Listing>> FindListing();
  Result<std::vector<Listing>> FindRecorded(const std::vector<std::string>& groups);
  Result<std::vector<Listing>> FindInSentinels(const std::vector<std::string>& groups);
  // Whether a node of it is registered.
  Result<bool> HasMembers(const std::string& group);

  const CommonOptions& common_;
  const Duration longest_;
  const Endpoint& self_;
  const redis::Network network_;
  store::Registry& registry_;
  std::optional<TimePoint> since_;  // it was found listed
  TimePoint free_until_{};          // for so long it is not looked up again
  bool given_up_ = false;
  bool told_dead_ = false;
};

}  // namespace redis_zk::redis_wrapper
