// Carries out the clean-up: looks the groups up, one after the other, and does what cleanup.h decides.
//
// Same thread as the watcher's loop, which it never holds up for long: a step asks each server once, all at
// the same time, and waits for them as long as an answer takes. What needs time is found out in later steps.
#pragma once

#include <functional>
#include <map>
#include <optional>
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
#include "watcher/look_turns.h"
#include "watcher/options.h"
#include "watcher/registry_view.h"
#include "watcher/status.h"
#include "zookeeper/lock.h"
#include "zookeeper/session.h"

namespace redis_zk::watcher {

class Cleaner {
 public:
  // All must outlive the cleaner.
  Cleaner(const WatcherOptions& options, const redis::Network& network, zookeeper::Session& session,
          store::Registry& registry, RecentEvents& events);

  // Takes a step when one is due. Call when nothing else is to be done, with what ZooKeeper says now. In a
  // group that `rests` it begins nothing, and only sees to its end what it has begun.
  void Step(const RegistryView& known, const std::function<bool(const std::string&)>& rests);
  // Looks soon at the groups about whose entries the observer has noticed something strange.
  void Notice(const FleetStatus& observed, const RegistryView& known);
  // When a step is due that must not wait for a quiet moment: a Sentinel lists another server's address.
  TimePoint urgent_at() const;
  // By group: what keeps foreign entries from being removed.
  const std::map<std::string, std::string>& blocked() const { return blocked_; }

 private:
  // Takes the lock and keeps it, unless only observing: that needs none, and must not keep it from those who
  // act. False: not connected, or another watcher has it.
  bool TakeTurn();
  void ForgetSightings();
  // What was known of groups that are gone.
  void Forget(const std::map<std::string, store::Record>& groups);
  // Nothing: no group's turn has come.
  std::optional<std::string> NextGroup(const std::map<std::string, store::Record>& groups, TimePoint now);
  void LookAfter(const std::string& group, const RegistryView& known);
  Result<CleanUpView> Look(const std::string& group, const RegistryView& known);
  Status LookAtDatasets(CleanUpView* view);
  void AskSentinels(CleanUpView* view) const;
  // Who is at the addresses of replicas and Sentinels that no registration accounts for.
  Status AskUnregistered(const RegistryView& known, CleanUpView* view);
  void AskUnregisteredPeers(CleanUpView* view) const;
  void NoteKnownIds(const std::map<std::string, store::Record>& groups, CleanUpView* view);
  // With the lock looked at again, since the answer may lead to a RESET.
  void AskServers(CleanUpView* view);
  void Act(const std::string& group, const CleanUpAction& action);
  // What there is to say while foreign entries stay.
  void NoteBlocked(const CleanUpView& view, const CleanUpAction& action);
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
  LookTurns turns_;
  std::map<std::string, std::string> blocked_;  // by group
  // By group: the Sentinel ids that are known there. Groups that were not seen in full are missing.
  std::map<std::string, std::set<std::string>> known_ids_;
  std::map<std::string, LogOnChange> log_action_;  // by group
};

}  // namespace redis_zk::watcher
