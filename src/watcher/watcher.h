// The life of a watcher: read ZooKeeper, follow one Sentinel, keep the records true, publish what is known.
//
// One loop thread owns everything here; the HTTP threads see only the published topology.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/backoff.h"
#include "base/log.h"
#include "base/published.h"
#include "daemon/connections.h"
#include "os/event_queue.h"
#include "os/signals.h"
#include "redis/servers.h"
#include "sentinel/reports.h"
#include "sentinel/subscriber.h"
#include "store/registry.h"
#include "watcher/admin.h"
#include "watcher/behaviors/behaviors.h"
#include "watcher/cleaner.h"
#include "watcher/counters.h"
#include "watcher/events.h"
#include "watcher/observer.h"
#include "watcher/options.h"
#include "watcher/topology.h"
#include "watcher/verdict.h"

namespace redis_zk::watcher {

class Watcher {
 public:
  // Both must outlive the watcher.
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

  // When there is something to do without an event.
  TimePoint NextTurn() const;
  // Waits for one event, or until `deadline`, and notes what it makes necessary. False: nothing happened.
  bool Pump(TimePoint deadline);
  void Reduce(const zookeeper::SessionEvent& event);
  void Reduce(const sentinel::SubscriberEvent& event);
  void Reduce(const Observed& event);
  void Reduce(const AdminDone& event);

  void Reload();

  // Does what has become necessary; whatever fails is tried again.
  void Reconcile();
  void ReadRegistry();
  // How long ZooKeeper takes for an answer. False: there was none.
  bool MeasureRequest();
  // Who waits for a role. Nothing is decided by it, so it is read when there is nothing else to do.
  void ReadWaiting();
  Status FindPopulated();
  // Whether the group is more than a znode that every deployment has.
  bool Exists(const std::string& group) const;
  void Follow();
  // Asks the followed Sentinel alone; a newer epoch needs no more.
  void CheckWithFollowed(const std::set<std::string>& hinted);
  // Asks every registered Sentinel about the next of those groups that are to be compared.
  void CheckWithAll();
  // Why a record stays as it is.
  struct Kept {
    std::string_view event;
    log::Severity severity;
    std::string reason;
  };
  // Judges, and writes what it takes.
  std::optional<Kept> Settle(const std::string& group, const Evidence& evidence);
  Outages FindOutages() const;
  // `recorded`: the group whose record we have just written; its change is ours to log.
  void PublishTopology(const std::string& recorded = "");
  void AddToEventLog(store::PastEvent event);
  void WriteEventLog();

  const WatcherOptions& options_;
  const redis::Network network_;
  EventQueue<Message> queue_;
  Behaviors behaviors_;
  RecentEvents events_;
  std::unique_ptr<zookeeper::Session> session_;
  store::Registry registry_;
  Cleaner cleaner_;
  Published<Topology> topology_;
  Observer observer_;
  Admin admin_;
  // Apart from the topology, whose readers would wake up each time that it is measured.
  Published<ZooKeeperFigures> figures_{ZooKeeperFigures{}};
  std::atomic<Clock::rep> loop_turned_at_;

  // What is known.
  std::vector<store::Sentinel> sentinels_;
  std::map<std::string, store::Record> groups_;
  std::optional<store::CleanUpPause> clean_up_paused_;
  store::EventLog event_log_;
  std::map<std::string, std::vector<WaitingMember>> waiting_;
  std::map<std::string, std::map<Endpoint, TimePoint>> incomplete_;
  std::set<std::string> populated_;  // groups with members; of those that were recorded it does not matter
  TimePoint known_at_{};
  std::optional<Clock::duration> read_took_;
  bool subscribed_ = false;
  std::unique_ptr<sentinel::Subscriber> subscriber_;
  Outages called_down_;  // by the followed Sentinel
  std::shared_ptr<const FleetStatus> observed_;

  // What has to be done.
  bool stop_requested_ = false;
  bool registry_stale_ = true;
  bool event_log_stale_ = true;
  std::vector<store::PastEvent> unlogged_;
  TimePoint event_log_at_{};
  std::set<std::string> hinted_groups_;     // an event spoke of them
  std::set<std::string> unchecked_groups_;  // to be compared with what all Sentinels say
  TimePoint check_all_at_{};
  TimePoint follow_at_{};
  Backoff follow_backoff_;
  Backoff read_backoff_;
  TimePoint read_at_{};
  TimePoint last_read_{};
  TimePoint read_waiting_at_{};
  std::map<std::string, LogOnChange> log_verdict_;
  std::map<Endpoint, LogOnChange> log_lost_;  // until one is followed
  LogOnChange log_read_;
  LogOnChange log_follow_;
  LogOnChange log_event_log_;
};

}  // namespace redis_zk::watcher
