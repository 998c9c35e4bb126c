// Typed access to the znodes: who is master, which Sentinels and which Redis are alive.
//
//   <root>/master                  "host port": the default group's truth, its lock's parent
//   <root>/masters/<group>         "host port": of another group the same, of the default group a mirror
//   <root>/sentinels/<uuid>        ephemeral, "host port"
//   <root>/members/<group>/<uuid>  ephemeral, JSON: a living redis-wrapper
//   <root>/lineage/<group>         JSON: the record's epoch, and why it changed
//   <root>/history/<group>         JSON: the data's replication ids through all failovers
//   <root>/datasets/<group>/<node> JSON: the data that a node was seen with last
//   <root>/identities/<uuid>            JSON: a Sentinel's identity; its ephemeral child "taken": it is in
//   use <root>/cleanup                 the lock of the one watcher that cleans up <root>/rescue the lock of
//   the one sentinel-wrapper that restarts its blind Sentinel <root>/cleanup-paused          JSON: nobody
//   cleans up while it is there <root>/events                  JSON: what has happened, bounded
//   <root>/admin/<group>        ephemeral: the watcher that fails this group over now
//
// What is persistent and JSON is for the time when everything has died; nothing that lives is believed for
// it.
//
// Same thread as the session. Reads set their watches when asked to; a watch fires once.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "store/event_log.h"
#include "store/record.h"
#include "zookeeper/session.h"

namespace redis_zk::store {

// The group whose truth stands in <root>/master.
inline constexpr const char* kDefaultGroup = "master1";

class Registry {
 public:
  Registry(zookeeper::Session& session, std::string root);

  // Creates the persistent znodes that a group needs.
  Status EnsureGroup(const std::string& group);

  // Where the truth about a group stands, and where its lock's contenders queue.
  std::string MasterPath(const std::string& group) const;

  Result<Record> ReadRecord(const std::string& group, zookeeper::Watch watch);
  // Of many groups at once, in about two round trips. Those that have no znode are left out.
  Result<std::map<std::string, Record>> ReadRecords(const std::vector<std::string>& groups,
                                                    zookeeper::Watch watch);

  // Replaces the record that `replaced` was read as; kConflict when somebody else did first. The mirror and
  // the lineage change with it. `lock_node`, when not empty, must still exist.
  Status WriteRecord(const std::string& group, const Record& replaced, const NextRecord& next,
                     const std::string& lock_node);

  // Takes a group away with all that is known of it, if nobody is registered in it or waits for its lock, and
  // the record still is what it was read as; otherwise kConflict, and nothing is taken away.
  Status RemoveGroup(const std::string& group, const Record& found);

  // The default group first, then the others by name.
  Result<std::vector<std::string>> ListGroups(zookeeper::Watch watch);

  // Ordered by uuid. Unreadable entries are left out and logged.
  Result<std::vector<Sentinel>> ListSentinels(zookeeper::Watch watch);
  Status RegisterSentinel(const Sentinel& sentinel);
  Status UnregisterSentinel(const std::string& uuid);

  Result<std::vector<Member>> ListMembers(const std::string& group, zookeeper::Watch watch);
  // Of many groups at once, in about two round trips, by group.
  Result<std::map<std::string, std::vector<Member>>> ListMembers(const std::vector<std::string>& groups);
  // Registers, or says anew what is registered.
  Status RegisterMember(const std::string& group, const Member& member);

  // Empty when none was ever written, or when it cannot be read, which is logged.
  Result<History> ReadHistory(const std::string& group);
  Status WriteHistory(const std::string& group, const History& history);

  Result<std::vector<KnownDataset>> ListDatasets(const std::string& group);
  Status ReportDataset(const std::string& group, const KnownDataset& known);
  Status ForgetDataset(const std::string& group, const std::string& node);

  Result<std::vector<Identity>> ListIdentities();
  // Sits down, on a new identity or a free one. kAlreadyExists: somebody else sits there.
  Status TakeIdentity(const Identity& identity);
  // Of an identity that was taken: the epoch has grown.
  Status UpdateIdentity(const Identity& identity);
  // Takes a free identity away. kConflict: somebody sits there.
  Status RemoveIdentity(const std::string& uuid);

  // The lock of the sentinel-wrapper that restarts its Sentinel so that it can fail over; exists after
  // EnsureGroup.
  std::string RescuePath() const { return root_ + "/rescue"; }
  // The lock of the watcher that cleans up; exists after EnsureGroup.
  std::string CleanUpPath() const { return root_ + "/cleanup"; }
  // What ZooKeeper's clock says, in milliseconds since 1970. It is only told with a write: of the clean-up's
  // znode, whose data mean nothing.
  Result<std::int64_t> AskTime();

  std::string EventLogPath() const { return root_ + "/events"; }
  // Empty when it cannot be read, which is logged.
  Result<EventLog> ReadEventLog(zookeeper::Watch watch);
  // In place of what cannot be read, too.
  Status AppendToEventLog(const std::vector<PastEvent>& news);

  // Nothing: the clean-up goes on.
  Result<std::optional<CleanUpPause>> ReadCleanUpPause(zookeeper::Watch watch);
  // False: it was paused already, and stays as it is.
  Result<bool> PauseCleanUp(const CleanUpPause& pause);
  // False: it was not paused.
  Result<bool> ResumeCleanUp();

  // For as long as the session lives, nobody else fails this group over at somebody's request. kAlreadyExists
  // names who does it now.
  Status TakeAdmin(const std::string& group, const std::string& who);

 private:
  std::string MembersPath(const std::string& group) const { return root_ + "/members/" + group; }
  std::string LineagePath(const std::string& group) const { return root_ + "/lineage/" + group; }
  std::string IdentityPath(const std::string& uuid) const { return root_ + "/identities/" + uuid; }
  std::string CleanUpPausePath() const { return root_ + "/cleanup-paused"; }
  // Creates an ephemeral znode of the current session, in place of one that an earlier session of ours left
  // behind.
  Status PutEphemeral(const std::string& path, const std::string& data);
  // Creates a persistent znode with its parents, or sets its data.
  Status Put(const std::string& path, const std::string& data);
  // `parse` makes an entry of a child's name and znode, or says what it expected.
  template <class Entry, class Parse>
  Result<std::vector<Entry>> ListEntries(const std::string& parent, zookeeper::Watch watch,
                                         const Parse& parse);
  // Those that are gone or unreadable are left out; here `parse` gets the whole path.
  template <class Entry, class Parse>
  Result<std::vector<Entry>> ReadEntries(const std::vector<std::string>& paths, const Parse& parse);

  // What is read again and again is complained of once.
  void WarnOnce(const std::string& path, const std::string& line);

  zookeeper::Session& session_;
  std::map<std::string, std::string> warned_;  // by path: the last complaint
  const std::string root_;
};

}  // namespace redis_zk::store
