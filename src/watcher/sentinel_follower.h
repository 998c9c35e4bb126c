// Follows the events of one Sentinel, chosen at random so that several watchers seldom depend on the same
// one, and of another one, with a growing delay, when that is lost.
//
// Same thread as the watcher's loop.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/backoff.h"
#include "base/log.h"
#include "base/time.h"
#include "net/endpoint.h"
#include "sentinel/subscriber.h"
#include "store/record.h"
#include "watcher/events.h"

namespace redis_zk::watcher {

class SentinelFollower {
 public:
  // `sink` gets what Subscriber pushes, on its thread, and must bring it to Reduce.
  SentinelFollower(sentinel::SubscribeTo subscribe, sentinel::Subscription::Sink sink);

  // What an event means to the watcher.
  struct News {
    bool following_changed = false;
    // Pub/sub forgets: everything has to be read afresh.
    bool missed_events = false;
    // A master is called down that was not before, or no longer.
    bool called_down_changed = false;
    // The group whose master may have changed; empty: none.
    std::string hinted_group{};
    // A step of a failover, for people.
    std::optional<Event> step{};
  };
  News Reduce(const sentinel::SubscriberEvent& event);

  // Begins to follow one of them, if none is followed and it is time to.
  void Follow(const std::vector<store::Sentinel>& sentinels);

  // Nothing until the Sentinel has confirmed it.
  std::optional<Endpoint> following() const { return confirmed_ ? chosen_ : std::nullopt; }
  // The masters that the followed Sentinel calls down, and since when.
  const Outages& called_down() const { return called_down_; }
  // The group has a new master. True: the one before was called down.
  bool ForgetOutage(const std::string& group) { return called_down_.erase(group) > 0; }

 private:
  // True: another master is called down, or one no longer.
  bool NoteOutage(const sentinel::SentinelEvent& event);

  const sentinel::SubscribeTo subscribe_;
  const sentinel::Subscription::Sink sink_;
  std::unique_ptr<sentinel::Subscription> subscription_;
  std::optional<Endpoint> chosen_;  // as long as there is a subscription
  bool confirmed_ = false;
  Outages called_down_;
  TimePoint follow_at_{};
  Backoff backoff_;
  std::map<Endpoint, LogOnChange> log_lost_;  // until one is followed
  LogOnChange log_failure_;
};

}  // namespace redis_zk::watcher
