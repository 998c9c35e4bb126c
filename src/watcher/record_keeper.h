// Keeps the groups' records true: remembers which of them are in doubt, asks the Sentinels about them, and
// writes what verdict.h makes of the answers.
//
// Deciding and writing are apart, so that each record is published as soon as it is written:
//   for (const auto& change : keeper.CheckHinted(view, followed)) keeper.Write(change);
//
// Same thread as the ZooKeeper session.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/time.h"
#include "daemon/pauses.h"
#include "net/endpoint.h"
#include "redis/servers.h"
#include "store/registry.h"
#include "watcher/options.h"
#include "watcher/registry_view.h"
#include "watcher/verdict.h"

namespace redis_zk::watcher {

class RecordKeeper {
 public:
  // The references must outlive the keeper.
  RecordKeeper(UpdateMasterMode mode, const redis::Network& network, store::Registry& registry,
               const daemon::Pauses& pauses);

  // What a record is to become.
  struct Change {
    std::string group;
    store::Record replaced;
    store::NextRecord next;
    bool all_asked = false;  // not the followed Sentinel alone
  };

  // An event of the followed Sentinel spoke of the group's master.
  void Hint(const std::string& group) { hinted_.insert(group); }
  // To be compared with what all Sentinels say.
  void Doubt(const std::set<std::string>& groups) { doubted_.insert(groups.begin(), groups.end()); }
  // Events were missed: the next CheckDoubted begins to compare all groups. It does so every five seconds
  // anyway, for a change that came with no event.
  void DoubtAll() { doubt_all_at_ = {}; }
  // Whether CheckDoubted has more to do at once.
  bool has_doubts() const { return !doubted_.empty(); }

  // By group, why its record is kept although Sentinels do not confirm it, as found last.
  const std::map<std::string, std::string>& unconfirmed() const { return unconfirmed_; }

  // Asks the followed Sentinel alone about the hinted groups; a newer epoch needs no more. The others are
  // doubted from then on.
  std::vector<Change> CheckHinted(const RegistryView& view, const std::optional<Endpoint>& followed);
  // Asks every registered Sentinel about the next of the doubted groups. REQUIRES: ZooKeeper is connected.
  std::vector<Change> CheckDoubted(const RegistryView& view);

  // Returns what the record is now; nothing: it was not written, or that is unknown. The registry has to be
  // read again in any case.
  std::optional<store::Record> Write(const Change& change);

 private:
  std::vector<std::string> TakeDoubted(const RegistryView& view);
  // In the order of `groups`, and so filled in by what follows.
  std::vector<Evidence> AskAllSentinels(const RegistryView& view,
                                        const std::vector<std::string>& groups) const;
  // False: ZooKeeper did not say.
  bool AskMembers(const std::vector<std::string>& groups, std::vector<Evidence>* evidence);
  // The same.
  bool AskServers(const std::vector<std::string>& groups, std::vector<Evidence>* evidence);
  // Whether the data of an acting master that is no member are the group's.
  Result<bool> BelongsTo(const std::string& group, const redis::ServerInfo& info);
  void NoteUnread(const Error& error);

  // What keeps a record that is not true from being written; empty: nothing does.
  std::string FindHindrance(const std::string& group) const;

  const UpdateMasterMode mode_;
  const redis::Network network_;
  store::Registry& registry_;
  const daemon::Pauses& pauses_;
  std::set<std::string> hinted_;
  std::set<std::string> doubted_;
  TimePoint doubt_all_at_{};
  std::map<std::string, std::string> unconfirmed_;
  std::map<std::string, LogOnChange> log_verdict_;  // by group
  LogOnChange log_members_failure_;
};

}  // namespace redis_zk::watcher
