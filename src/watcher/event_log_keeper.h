// Reads the event log in ZooKeeper, and adds to it what this watcher has to say.
//
// Same thread as the ZooKeeper session.
#pragma once

#include <vector>

#include "base/log.h"
#include "base/time.h"
#include "store/event_log.h"
#include "store/event_log_store.h"
#include "zookeeper/session.h"

namespace redis_zk::watcher {

class EventLogKeeper {
 public:
  // Both must outlive the keeper.
  EventLogKeeper(const zookeeper::Session& session, store::EventLogStore& store);

  // As it was read last.
  const store::EventLog& known() const { return known_; }

  void Reduce(const zookeeper::SessionEvent& event);
  // Reads it when it may have changed: it is long, and seldom what has. True: it was read.
  bool Read();

  // To be written with the next Write. Of more than the log may hold the oldest are dropped.
  void Add(store::PastEvent event);
  // Writes what was added, unless the last try has just failed. What failed stays to be written.
  void Write();
  // The same at once: there is no next time.
  void WriteNow();

 private:
  const zookeeper::Session& session_;
  store::EventLogStore& store_;
  store::EventLog known_;
  bool stale_ = true;
  TimePoint read_at_{};
  std::vector<store::PastEvent> unwritten_;
  TimePoint write_at_{};
  LogOnChange log_unread_;
  LogOnChange log_unwritten_;
};

}  // namespace redis_zk::watcher
