// The groups that our Sentinel does not monitor yet: tried again and again, until a server of them lives.
//
// Loop thread only. groups.h decides.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/backoff.h"
#include "base/log.h"
#include "base/time.h"
#include "sentinel-wrapper/group_orders.h"
#include "sentinel-wrapper/group_reader.h"

namespace redis_zk::sentinel_wrapper {

// Sentinel ends at a name in its file that it cannot resolve. A group with one is begun with at run time,
// where it does no harm to the others.
bool FitsFile(const store::Record& record, const std::vector<store::Member>& members);

class Newcomers {
 public:
  // Both must outlive this.
  Newcomers(GroupReader& reader, GroupOrders& orders) : reader_(reader), orders_(orders) {}

  // Our Sentinel has just been started.
  void Reset() { waiting_.clear(); }

  // Begins with those of `groups` that live; `monitored` is what our Sentinel said last, and those that it
  // monitors from now on are added to `followed`. Something: restart our Sentinel.
  std::optional<RestartRequest> Look(const std::vector<std::string>& groups, const Reports& monitored,
                                     std::set<std::string>& followed);
  // All but these are no newcomers any more.
  void Keep(const std::vector<std::string>& groups);

 private:
  struct Newcomer {
    Newcomer();
    Backoff backoff;
    TimePoint try_at{};
    std::optional<TimePoint> orphan_since;  // its master is dead, and a replica lives
    LogOnChange log;
  };

  std::vector<std::string> ListDue(const std::vector<std::string>& groups);
  void SayUnreachable(const std::string& group, const store::Record& record);
  // Whether it is an orphan for so long that our Sentinel has to be restarted for it.
  bool IsAbandoned(const std::string& group, const store::Record& record);

  GroupReader& reader_;
  GroupOrders& orders_;
  std::map<std::string, Newcomer> waiting_;
};

}  // namespace redis_zk::sentinel_wrapper
