// Carries out the clean-up: looks the groups up, one after the other, and does what cleanup.h decides.
//
// Same thread as the watcher's loop, which it never holds up for long: a step asks each server once, all at
// the same time, and waits for them as long as an answer takes. What needs time is found out in later steps.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "redis/servers.h"
#include "store/registry.h"
#include "watcher/cleanup.h"
#include "watcher/events.h"
#include "watcher/options.h"
#include "zookeeper/lock.h"
#include "zookeeper/session.h"

namespace redis_zk::watcher {

class Cleaner {
 public:
  // All must outlive the cleaner.
  Cleaner(const WatcherOptions& options, const redis::Network& network, zookeeper::Session& session,
          store::Registry& registry, RecentEvents& events);

  // Takes a step when one is due. Call when nothing else is to be done, with what ZooKeeper says now. Paused,
  // it begins nothing, and only sees to its end what it has begun.
  void Step(const std::map<std::string, store::Record>& groups, const std::vector<store::Sentinel>& sentinels,
            bool paused);
  // When a step is due that must not wait for a quiet moment: a Sentinel lists another server's address.
  TimePoint urgent_at() const { return turns_.urgent.empty() ? TimePoint::max() : step_at_; }

 private:
  // Whose turn it is.
  struct Turns {
    std::string last;
    std::string last_urgent;
    bool passed_over = false;          // the urgent ones, at the last step
    std::set<std::string> urgent;      // groups whose Sentinels list foreign addresses
    std::set<std::string> suspicious;  // those that list addresses of which nothing is known
  };

  // Takes the lock and keeps it, unless only observing: that needs none, and must not keep it from those who
  // act. False: not connected, or another watcher has it.
  bool TakeTurn();
  void ForgetSightings();
  // Takes the next steps soon where the view asks for that.
  void Hurry(const CleanUpView& view);
  const std::string& NextGroup(const std::map<std::string, store::Record>& groups);
  Result<CleanUpView> Look(const std::string& group, const std::map<std::string, store::Record>& groups,
                           const std::vector<store::Sentinel>& sentinels);
  Status LookAtDatasets(CleanUpView* view);
  void AskSentinels(CleanUpView* view) const;
  // Who is at the addresses of replicas and Sentinels that no registration accounts for.
  Status AskUnregistered(const std::map<std::string, store::Record>& groups, CleanUpView* view);
  void AskUnregisteredPeers(CleanUpView* view) const;
  void NoteKnownIds(const std::map<std::string, store::Record>& groups, CleanUpView* view);
  // With the lock looked at again, since the answer may lead to a RESET.
  void AskServers(CleanUpView* view);
  void Act(const std::string& group, const CleanUpAction& action);
  void CarryOut(const std::string& group, const CleanUpAction& action);
  void GiveUp(const std::string& group, const std::string& why);
  // One that the next step would repeat; the next step will.
  static void LogFailedStep(const std::string& group, const Error& error);

  const WatcherOptions& options_;
  const redis::Network network_;
  zookeeper::Session& session_;
  store::Registry& registry_;
  RecentEvents& events_;
  zookeeper::Lock lock_;
  bool held_ = false;
  CleanUpMemory memory_;
  TimePoint step_at_{};
  std::map<std::string, TimePoint> datasets_at_;  // by group: when data are looked at again
  Turns turns_;
  // By group: the Sentinel ids that are known there. Groups that were not seen in full are missing.
  std::map<std::string, std::set<std::string>> known_ids_;
  std::map<std::string, LogOnChange> log_action_;  // by group
};

}  // namespace redis_zk::watcher
