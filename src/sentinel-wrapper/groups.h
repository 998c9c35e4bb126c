// Which groups our Sentinel has to monitor, as functions of values.
//
// ZooKeeper says which groups there are: the children of <root>/masters. A group is monitored once a server
// of it lives, and dropped when its znode is gone and none of it lives: while one does, it is
// ZooKeeper that has lost the group and will be told again.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "sentinel/reports.h"
#include "store/record.h"

namespace redis_zk::sentinel_wrapper {

// What our Sentinel says of its groups, by their names.
using Reports = std::map<std::string, sentinel::SentinelReport>;

// That our Sentinel has to be restarted.
struct RestartRequest {
  std::string group;
  store::Record record;  // of the group, to start our Sentinel with
  std::string reason;
};

struct GroupsView {
  std::string own_group;                        // ours for good: MASTER_NAME
  std::map<std::string, store::Record> listed;  // groups that have a znode, as last read
  Reports monitored;                            // by our Sentinel, because of us
};

struct GroupChanges {
  std::vector<std::string> to_monitor;  // when HowToBegin says how
  std::vector<std::string> to_drop;     // when MayDrop says so

  bool operator==(const GroupChanges&) const = default;
};
GroupChanges CompareGroups(const GroupsView& view);

struct GroupAlive {
  bool master = false;   // answers, even if it refuses our password
  bool replica = false;  // another serving member does
};

enum class Beginning {
  kWait,  // of a group of the dead, Sentinel would promote the first that returns, whatever its data
  kMonitor,
  // Only what stands in its file when it starts tells Sentinel of replicas without a master that lives.
  kRestart,
};
Beginning HowToBegin(const GroupAlive& alive);

// Of a group without a znode: whether none of it lives, for all that our Sentinel knows.
bool MayDrop(const sentinel::SentinelReport& own, const std::vector<sentinel::ReplicaReport>& replicas);

// Whether our Sentinel may be restarted for a group: not while it leads the failover of another one, which
// that would end.
bool MayRestart(const Reports& monitored, const std::string& group);

// The newer configuration of what ZooKeeper and our Sentinel know: the record may lag behind a failover.
store::Record Newer(const store::Record& record, const sentinel::SentinelReport& own);

}  // namespace redis_zk::sentinel_wrapper
