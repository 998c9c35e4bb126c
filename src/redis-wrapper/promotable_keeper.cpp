#include "redis-wrapper/promotable_keeper.h"

#include <fmt/core.h>

#include <string>

namespace redis_zk::redis_wrapper {

PromotableKeeper::PromotableKeeper(std::int64_t users_priority, bool loads_offset,
                                   redis::KeptServer& own_server, Membership& membership)
    : own_server_(own_server), membership_(membership), priority_(users_priority) {
  // Then it has an offset only once it was linked, be that before it is looked at for the first time.
  if (!loads_offset) copy_.first_offset = redis::kNoMasterKnown;
  // A master was started with the user's priority.
  if (!membership.self().incomplete) priority_.Did(true);
}

void PromotableKeeper::Keep(const redis::ServerInfo& own, bool ours, bool reachable) {
  copy_ = See(copy_, own);
  ours_ = ours;
  const bool complete = HoldsCopy(own);
  unsteady_ = !complete || (own.role == redis::Role::kReplica && !own.link_up);
  if (const auto next = priority_.Next(complete, own, Clock::now())) SetPriority(*next, complete, own);
  if (membership_.SetIncomplete(!complete) && reachable) membership_.Refresh();
}

void PromotableKeeper::SetPriority(std::int64_t priority, bool complete, const redis::ServerInfo& own) {
  const auto set = own_server_.Order({"CONFIG", "SET", "replica-priority", std::to_string(priority)});
  if (!set) {
    log_failure_(
        log::Severity::kError, {.event = "replica-priority-failed"},
        fmt::format("cannot set replica-priority to {}, retrying: {}; {}: allow CONFIG SET to redis-wrapper",
                    priority, set.error().message,
                    complete ? "until then this replica cannot be promoted"
                             : "until then a replica without a complete copy can be promoted"));
    return;
  }
  priority_.Did(complete);
  log_failure_.Reset();
  if (own.role == redis::Role::kReplica) {
    log::Info({.event = "replica-priority-set"},
              "replica-priority set to {}: this replica holds {} copy of the group's data", priority,
              complete ? "a complete" : "no complete");
  }
}

}  // namespace redis_zk::redis_wrapper
