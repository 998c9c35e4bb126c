// Which groups there are, who is registered in them, and who of those lives.
//
// Loop thread only.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "daemon/pauses.h"
#include "daemon/wrapper_loop.h"
#include "redis/servers.h"
#include "sentinel-wrapper/groups.h"
#include "store/record.h"

namespace redis_zk::sentinel_wrapper {

// How many groups are looked at at a time: all their servers are asked at once.
inline constexpr std::size_t kGroupsAtOnce = 50;

// The master, and the members that serve; each once.
std::vector<Endpoint> ServersOf(const Endpoint& master, const std::vector<store::Member>& members);

class GroupReader {
 public:
  using Members = std::map<std::string, std::vector<store::Member>>;  // by group

  // Both must outlive the reader.
  GroupReader(daemon::WrapperLoop& loop, redis::Servers& servers) : loop_(loop), servers_(servers) {}

  // Something may have changed in ZooKeeper.
  void NoteNews() { read_at_ = {}; }

  // The groups and their records. After a failure, what was read before stays.
  Status Read();
  // Read, when there may be something new.
  void ReadIfDue();
  // As last read, without those whose names Sentinel rejects.
  const std::map<std::string, store::Record>& listed() const { return listed_; }
  // Whether nothing is to be changed in the group by itself.
  bool IsPaused(const std::string& group) const { return pauses_.Find(group) != nullptr; }

  // Of groups that are listed; none is missing in the answer.
  Result<Members> ListMembers(const std::vector<std::string>& groups);
  // Of groups that are listed, as ListMembers says.
  std::map<std::string, GroupAlive> WhoLives(const Members& members) const;
  // The groups that have a record, of which a server lives, and which are not `monitored`.
  std::vector<std::string> ListLiving(const Reports& monitored);

 private:
  daemon::WrapperLoop& loop_;
  redis::Servers& servers_;
  TimePoint read_at_{};
  std::map<std::string, store::Record> listed_;
  daemon::Pauses pauses_;
  LogOnChange log_names_;
};

}  // namespace redis_zk::sentinel_wrapper
