// What a Sentinel publishes: the channel is the event's name, the message its arguments.
//
// The grammar is that of sentinelEvent in Redis' sentinel.c; the 48 names are the same in 6.2, 7.0, 7.2
// and 8.0.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace redis_zk::sentinel {

struct SentinelEvent {
  std::string name;     // "+switch-master"
  std::string payload;  // as it came
  // The group it speaks of; empty for events that concern none, such as +new-epoch.
  std::string group;
};

// Unknown names are events too, without a group unless they follow the common form
// "<type> <name> <ip> <port> [@ <group> <ip> <port>]".
Result<SentinelEvent> ParseSentinelEvent(std::string_view channel, std::string_view message);

// Whether the event means that the master of its group may be another one now. A Sentinel that leads a
// failover says +promoted-slave a second before its own +switch-master, and answers with the new master from
// then on.
bool MayChangeMaster(const SentinelEvent& event);

}  // namespace redis_zk::sentinel
