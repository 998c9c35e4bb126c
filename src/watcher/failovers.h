// A failover, step by step, as the followed Sentinel publishes it: values, and functions of them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "net/endpoint.h"
#include "sentinel/event.h"
#include "watcher/event.h"

namespace redis_zk::watcher {

// The event of `sentinel` as one of ours, for the history; nothing: it is no step of a failover.
std::optional<Event> StepOf(const sentinel::SentinelEvent& published, const Endpoint& sentinel);

struct Failover {
  std::vector<const Event*> steps;  // oldest first; none: the followed Sentinel published none
  const Event* change = nullptr;    // the record has another master; nothing: not yet, or never
  bool is_over = false;             // no further step belongs to it
};

// Those of a group, oldest first. They point into the history. Of one that came to nothing, the steps are
// left out once it is over.
std::vector<Failover> FailoversIn(const History& history, const std::string& group);

}  // namespace redis_zk::watcher
