// The life of a watcher: events come in, and change what is known; from that follows what to decide, to
// write and to publish. Each part of it has a class of its own, which knows none of the others.
//
// One loop thread owns everything here; the HTTP threads see only what is published.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/time.h"
#include "daemon/connections.h"
#include "os/event_queue.h"
#include "os/signals.h"
#include "sentinel/subscriber.h"
#include "store/registry.h"
#include "watcher/admin.h"
#include "watcher/behaviors/behaviors.h"
#include "watcher/event_log_keeper.h"
#include "watcher/housekeeping.h"
#include "watcher/observer.h"
#include "watcher/options.h"
#include "watcher/own_waits.h"
#include "watcher/publisher.h"
#include "watcher/record_keeper.h"
#include "watcher/registry_reader.h"
#include "watcher/sentinel_follower.h"

namespace redis_zk::watcher {

class Watcher {
 public:
  // All must outlive the watcher.
  Watcher(const WatcherOptions& options, const BlockedSignals& signals,
          const daemon::Connections& connections);
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  // Returns the process's exit code.
  int Run();

 private:
  struct Observed {};
  struct AdminDone {
    Event event;
    store::PastEvent past;
  };
  using Message =
      std::variant<SignalReceived, zookeeper::SessionEvent, sentinel::SubscriberEvent, Observed, AdminDone>;

  // The session, and what is read and written through it.
  struct ZooKeeper {
    ZooKeeper(std::unique_ptr<zookeeper::Session> opened, const std::string& root)
        : session(std::move(opened)), registry(*session, root) {}

    std::unique_ptr<zookeeper::Session> session;
    store::Registry registry;
  };

  // Until a signal asks to stop.
  void Loop();
  // When there is something to do without an event.
  TimePoint NextTurn() const;
  // Waits for one event, or until `deadline`, and notes what it makes necessary. False: nothing happened.
  bool Pump(TimePoint deadline);
  void Reduce(const SignalReceived& signal);
  void Reduce(const zookeeper::SessionEvent& event);
  void Reduce(const sentinel::SubscriberEvent& event);
  void Reduce(const Observed& event);
  void Reduce(const AdminDone& event);
  void Reload();

  // Does what has become necessary; whatever fails is tried again.
  void Reconcile();
  void ReadRegistry();
  // True: what this watcher itself has waited for for long has changed.
  bool LookAtOwnWaits();
  void WriteRecords(const std::vector<RecordKeeper::Change>& changes);
  // `recorded`: the group whose record we have just written; its change is ours to log.
  void Publish(const std::string& recorded = "");

  const WatcherOptions& options_;
  EventQueue<Message> queue_;
  Behaviors behaviors_;
  Publisher publisher_;
  ZooKeeper zookeeper_;
  Observer observer_;
  Admin admin_;
  RegistryReader reader_;
  SentinelFollower follower_;
  RecordKeeper keeper_;
  EventLogKeeper event_log_;
  Housekeeping housekeeping_;
  OwnWaits own_waits_;
  std::atomic<Clock::rep> loop_turned_at_;
  bool stop_requested_ = false;
};

}  // namespace redis_zk::watcher
