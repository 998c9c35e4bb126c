// Which report about a group's master to believe: a function of values.
//
// The record only moves forward. Two things change it:
//   1. A config epoch that is newer than the record's, told by a Sentinel that has the id of its
//      registration, of a master that is a registered member of the group. Epochs are won by election and
//      belong to one configuration each, so that Sentinel's word is enough, and the record is true within
//      milliseconds of a promotion. The epoch of a recovery or a cold start is not won in an election, so
//      there the same epoch proves as much, until most Sentinels have taken the recorded master over.
//   2. More than half of the registered Sentinels naming the same master, which acts as one, while nothing
//      contradicts: the recorded master does not act as one, or all of them name the other, or know a newer
//      epoch. A recorded member that acts gives way to another member only. That mends a record that a
//      stranger wrote, and one whose epoch means nothing any more because all Sentinels were replaced; and it
//      is what carries the originals, whose Sentinels cannot be identified and whose servers are no members.
//      Sentinels that know only an older epoch are believed only when all of them agree: otherwise they may
//      simply not have heard yet. Of a recovery, a cold start or a promotion that was just recorded none has
//      heard, so while the recorded master acts, or is about to, an older epoch changes nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "net/endpoint.h"
#include "sentinel/reports.h"
#include "store/record.h"

namespace redis_zk::watcher {

struct Evidence {
  store::Record record;
  std::vector<sentinel::SentinelReport> reports;
  std::size_t registered = 0;         // Sentinels, whether they answered or not
  std::set<Endpoint> acting_masters;  // of those that were asked: who answers as master
  std::set<Endpoint> members;         // registered in the group, serving or not
  // The recorded master serves as a replica without a link: if it recovers the group, it acts in a moment.
  bool about_to_act = false;
  // Of those that were asked and are no members: whose data the group does not know.
  std::set<Endpoint> strangers{};
};

struct Verdict {
  // What to write; nothing: the record stays.
  std::optional<Endpoint> master;
  std::uint64_t epoch = 0;
  std::string reason;   // one sentence
  bool agreed = false;  // the record stays since it is true
};

// Whether anything speaks against the record, so that the members have to be known before judging.
bool IsInDoubt(const Evidence& evidence);

// The servers whose role matters to the verdict, to be asked before judging. None where the record is true.
std::set<Endpoint> WhomToAsk(const Evidence& evidence);

Verdict Judge(const Evidence& evidence);

}  // namespace redis_zk::watcher
