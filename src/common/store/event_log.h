// What has happened to the groups and what was done to them, kept in ZooKeeper so that it outlives those who
// saw it: the znode <root>/events, JSON. And the word that nothing is to be cleaned up. Values only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/record.h"

namespace redis_zk::store {

struct PastEvent {
  std::int64_t time = 0;  // milliseconds since 1970, by the clock of who wrote it
  std::string group;      // empty: it concerns none, or all
  std::string kind;
  std::string sentence;
  std::string by;      // the watcher or redis-wrapper that wrote it
  std::string who{};   // the name of the admin token that the request for it came with; empty: none
  std::string from{};  // the address of that request; empty: no request

  bool operator==(const PastEvent&) const = default;
};

// The kind of an entry that tells of another master.
inline constexpr const char* kMasterChanged = "master-changed";
// The sentence about that: "master1: the master is ..."; `detail` stands before the reason.
std::string DescribeMasterChange(const std::string& group, const Record& replaced, const Record& record,
                                 std::string_view detail = "");
// That the group has another master; `by` has just recorded it.
PastEvent MasterChanged(const std::string& group, const Record& replaced, const Record& record,
                        const std::string& by);

// Oldest first.
using EventLog = std::vector<PastEvent>;

inline constexpr std::size_t kMostPastEvents = 100;
// A znode may have a megabyte, and every watcher reads this one whenever it changes.
inline constexpr std::size_t kMostEventLogBytes = std::size_t{64} * 1024;

std::string Render(const EventLog& event_log);
// Empty text is an empty event_log. Entries without a time and a kind are an error, as is another version.
Result<EventLog> ParseEventLog(std::string_view text);

// With the news at its end, without those that stand there already (an append whose answer was lost), and so
// much shorter at its beginning that it keeps both bounds.
EventLog Appended(EventLog event_log, const std::vector<PastEvent>& news);

}  // namespace redis_zk::store
