// Reads what stands in ZooKeeper, and knows when to read it again: after a watch fired, after a new
// connection, and, with a growing delay, after a failure. A burst of changes is read once. Where nothing but
// records has changed, only those are read: a fleet of hundreds of groups fails over one group at a time.
//
// Same thread as the session; other threads may read the figures.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/backoff.h"
#include "base/log.h"
#include "base/published.h"
#include "base/result.h"
#include "base/time.h"
#include "daemon/pauses.h"
#include "options/common_options.h"
#include "store/registry.h"
#include "watcher/counters.h"
#include "watcher/registry_view.h"
#include "zookeeper/session.h"

namespace redis_zk::watcher {

class RegistryReader {
 public:
  // All must outlive the reader.
  RegistryReader(const CommonOptions& options, zookeeper::Session& session, store::Registry& registry);

  // What is known stays known while ZooKeeper is away, and ages.
  const RegistryView& view() const { return view_; }
  const daemon::Pauses& pauses() const { return pauses_; }
  // Of the connection. Apart from the view, whose readers would wake up each time that it is measured.
  const Published<ZooKeeperFigures>& figures() const { return figures_; }
  // Whether something may have changed since the last reading.
  bool stale() const { return all_stale_ || !changed_.empty(); }
  // Before this, a stale view is not read again.
  TimePoint read_at() const { return read_at_; }

  void Reduce(const zookeeper::SessionEvent& event);
  // A write has failed, or its outcome is unknown: everything is read again.
  void MarkStale() { all_stale_ = true; }
  // What it says until it is read again.
  void Replace(const std::string& group, const store::Record& record);

  // Reads everything that decisions need, when that is due, and makes what a first daemon finds missing.
  // Returns the groups whose records are not as they were known; nothing: not due, or it failed.
  std::optional<std::set<std::string>> Read();
  // Reads which members wait for a role, which hold incomplete data, and how the wrappers are, when that is
  // due. True: the view has changed.
  bool ReadWaiting();
  // Both for one who only looks: at once, once, and nothing that is missing is made.
  Status ReadOnce();

 private:
  Result<std::set<std::string>> ReadEverything();
  // What `changed_` asks for: some records, or everything.
  Result<std::set<std::string>> ReadChanged();
  Result<std::set<std::string>> ListPopulated(const std::map<std::string, store::Record>& records);
  std::set<std::string> FindChanged(const std::map<std::string, store::Record>& records) const;
  void LogNews(const RegistryView& next) const;
  // Of ReadWaiting, which logs an error. True: the view has changed.
  Result<bool> TryReadWaiting();
  // As read last where an ACL denies it: they are only shown, and must not keep what counts from being read.
  Result<std::vector<store::Report>> ReadReports();
  // How long ZooKeeper takes for an answer. False: there was none.
  bool MeasureRequest();

  const CommonOptions& options_;
  zookeeper::Session& session_;
  store::Registry& registry_;
  RegistryView view_;
  daemon::Pauses pauses_;
  Published<ZooKeeperFigures> figures_{ZooKeeperFigures{}};
  bool all_stale_ = true;
  std::set<std::string> changed_;  // the paths of watches that fired since the last reading
  bool current_ = false;           // it was read since the connection was made
  TimePoint read_at_{};
  TimePoint last_read_{};
  TimePoint read_waiting_at_{};
  Backoff backoff_;
  LogOnChange log_failure_;
  LogOnChange log_waiting_failure_;
  LogOnChange log_reports_denied_;
};

}  // namespace redis_zk::watcher
