// What operators may ask a watcher to do, over HTTP: fail a group over, pause and resume what the daemons
// change by themselves, delete an empty group. Off unless there are tokens for it.
//
// Any thread: a request is carried out on the thread that brings it, with a ZooKeeper session of its own, so
// that the loop goes on keeping the record true. What came of it is logged and told once.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/published.h"
#include "base/result.h"
#include "base/time.h"
#include "daemon/connections.h"
#include "failover/handover.h"
#include "net/endpoint.h"
#include "store/event_log.h"
#include "watcher/access.h"
#include "watcher/admin_request.h"
#include "watcher/event.h"
#include "watcher/options.h"
#include "watcher/topology.h"

namespace redis_zk::watcher {

// How long a pause may last; as other durations are written.
Result<Duration> ParsePause(std::string_view text);

class Admin {
 public:
  // Passes on what was done, for the event streams and the event log.
  using Tell = std::function<void(Event, store::PastEvent)>;

  // Options and topology must outlive it; the topology's end is the end of all that can be ended. Each
  // request opens a session of its own, on its thread.
  Admin(const WatcherOptions& options, const Published<Topology>& topology,
        const daemon::Connections& connections, Tell tell);

  // Loop thread: SIGHUP.
  void ReadTokensAgain();

  AdminDoor::Decision Check(std::string_view authorization, const Endpoint& from) {
    return door_.Check(authorization, from, Clock::now());
  }
  // REQUIRES: access was granted. Takes a minute at most; once a Sentinel has been asked for a failover, that
  // is seen through although the client or the watcher goes away.
  AdminOutcome Run(const AdminRequest& request);

 private:
  class OwnSession;

  AdminOutcome FailOver(const AdminRequest& request) const;
  AdminOutcome HandoverTo(OwnSession& own, const AdminRequest& request,
                          const std::optional<Endpoint>& to) const;
  // Until the Sentinels know of it, and the applications have left the old master. Whether one of them does.
  bool AwaitSentinels(OwnSession& own, const failover::Handover::Terms& terms, TimePoint start,
                      AdminOutcome::FailedOver* done) const;
  void Disconnect(const std::string& group, const Endpoint& demoted) const;
  AdminOutcome DeleteGroup(const AdminRequest& request) const;
  AdminOutcome Pause(const AdminRequest& request) const;
  AdminOutcome Resume(const AdminRequest& request) const;
  // Nothing: there is such a group, and ZooKeeper to ask.
  std::optional<AdminOutcome> FindObstacle(const std::string& group) const;

  const WatcherOptions& options_;
  const Published<Topology>& topology_;
  const daemon::Connections connections_;
  const Tell tell_;
  AdminDoor door_;
};

// How this watcher calls itself in ZooKeeper: "host:pid".
std::string OwnName();

}  // namespace redis_zk::watcher
