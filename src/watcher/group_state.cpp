#include "watcher/group_state.h"

#include <fmt/core.h>

#include "watcher/condition.h"

namespace redis_zk::watcher {

namespace {

std::string DescribeBlock(const ServerStatus& master) {
  return fmt::format("the master {} {}", master.endpoint.ToAddress(), WhyNotWritable(master));
}

}  // namespace

GroupState StateOf(const store::Record& record, const GroupStatus* group, TimePoint observed_at,
                   std::optional<TimePoint> called_down) {
  const bool asked = group != nullptr && group->record.master == record.master;
  if (!HasMaster(record)) {
    return {.severity = Severity::kDown,
            .writable = false,
            .since = asked ? std::optional(group->writable.since) : std::nullopt,
            .since_first_look = asked && group->writable.since_first_look,
            .sentence = "no master is recorded"};
  }
  const bool writable = asked && group->writable.is;
  // What was seen before Sentinel called it down may be over.
  if (called_down && (!writable || observed_at < *called_down)) {
    const bool silent_before = asked && !writable && group->writable.since < *called_down;
    return {.severity = Severity::kDown,
            .writable = false,
            .since = silent_before ? group->writable.since : *called_down,
            .since_first_look = silent_before && group->writable.since_first_look,
            .sentence = asked && !writable
                            ? DescribeBlock(*group->master)
                            : "Sentinel reports the master " + record.master.ToAddress() + " as down"};
  }
  if (!asked) {
    return {.severity = Severity::kUnknown,
            .sentence = "the master " + record.master.ToAddress() + " was not asked yet"};
  }
  GroupState state{.severity = Severity::kDown,
                   .writable = writable,
                   .since = group->writable.since,
                   .since_first_look = group->writable.since_first_look};
  if (!writable) {
    state.sentence = DescribeBlock(*group->master);
  } else if (called_down) {
    state.severity = Severity::kAtRisk;
    state.sentence = "Sentinel reports the master as down, but it answers this watcher";
  } else if (!group->risk.empty()) {
    state.severity = Severity::kAtRisk;
    state.sentence = group->risk;
  } else if (!group->warnings.empty()) {
    state.severity = Severity::kTrouble;
    state.sentence = group->warnings.front();
  } else {
    state.severity = Severity::kWell;
    state.sentence = "the master answers, and a replica could take over";
  }
  return state;
}

}  // namespace redis_zk::watcher
