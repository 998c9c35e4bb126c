// What a person on call asks first about a group: can clients write to it, since when, and would it stand the
// next failure.
#pragma once

#include <optional>
#include <string>

#include "base/time.h"
#include "store/record.h"
#include "watcher/status.h"

namespace redis_zk::watcher {

// The worst first: lists are sorted by it.
enum class Severity {
  kDown,     // clients cannot write
  kAtRisk,   // clients can, but no failover would follow the death of the master
  kUnknown,  // not asked yet
  kTrouble,  // there is a warning
  kWell,
};

struct GroupState {
  Severity severity = Severity::kUnknown;
  std::optional<bool> writable;    // nothing: unknown
  std::optional<TimePoint> since;  // it is so; nothing: unknown
  bool since_first_look = false;   // and perhaps for longer
  std::string sentence;            // why it is so
};

// `record`: as it stands now. `group`: as it was seen last, at `observed_at`; nullptr: never. `called_down`:
// since when the followed Sentinel reports the master as down; nothing: it does not.
GroupState StateOf(const store::Record& record, const GroupStatus* group, TimePoint observed_at,
                   std::optional<TimePoint> called_down);

}  // namespace redis_zk::watcher
