// Whether a server may be promoted: only while it holds a complete copy of its group's data, and whether
// those know it who would promote it. Functions of values; the caller sets what comes of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "net/endpoint.h"
#include "redis/server_info.h"
#include "sentinel/reports.h"

namespace redis_zk::redis_wrapper {

// What was seen of a server since its start, beyond what INFO says now.
struct CopySeen {
  // It was linked to a master, or was one. What a replica loads from its own disk is not its master's data.
  bool was_linked = false;
  // Its offset when it was looked at first. One that has changed without a link seen: there was one in
  // between.
  std::optional<std::int64_t> first_offset;

  bool operator==(const CopySeen&) const = default;
};

CopySeen See(CopySeen before, const redis::ServerInfo& own);

// REQUIRES: `own` was seen.
bool HoldsCopy(const CopySeen& seen, const redis::ServerInfo& own);

// When to set which replica-priority: 0 without a complete copy, the user's with one. Between the two it is
// anybody's: operators set it, and a handover for a moment (see failover/temporary_settings.h).
class PriorityRule {
 public:
  explicit PriorityRule(std::int64_t users) : users_(users) {}

  // What to set now; nothing: it stays. Call it with every look, and Did() once it is set.
  std::optional<std::int64_t> Next(bool holds_copy, const redis::ServerInfo& own, TimePoint now);
  void Did(bool holds_copy) { done_for_ = holds_copy; }

  std::int64_t users() const { return users_; }

 private:
  const std::int64_t users_;
  std::optional<bool> done_for_;  // what was set last was for this
  std::optional<TimePoint> temporary_since_;
};

// What a replica still waits for that is linked to `master`: that every registered Sentinel which answers and
// names this master lists it, and can promote it unless its user rules that out. `answers` stand in the order
// of `sentinels`. Nothing: the Sentinels know it, or there are none.
std::optional<std::string> FindUnaware(const std::vector<sentinel::Peer>& sentinels,
                                       const std::vector<Result<sentinel::GroupReport>>& answers,
                                       const Endpoint& self, const Endpoint& master,
                                       std::int64_t users_priority);

}  // namespace redis_zk::redis_wrapper
