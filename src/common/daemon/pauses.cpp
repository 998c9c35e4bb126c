#include "daemon/pauses.h"

#include <utility>

#include "base/unix_time.h"

namespace redis_zk::daemon {

void Pauses::Take(Result<store::Pauses> read) {
  if (!read) {
    const bool denied = read.error().kind == ErrorKind::kDenied;
    log_failure_(denied ? log::Severity::kWarn : log::Severity::kDebug, {.event = "pauses-unreadable"},
                 "cannot read the pauses, retrying: " + read.error().message);
    return;
  }
  log_failure_.Reset();
  read_ = std::move(*read);
  Look();
}

void Pauses::Look() {
  if (read_.empty() && told_.empty()) return;
  const std::int64_t now = UnixTime();
  std::map<std::string, std::int64_t> under_way;
  for (const auto& [group, pause] : read_) {
    if (!about_.empty() && group != about_ && group != store::kAllGroups) continue;
    if (IsUnderWay(pause, now)) under_way[group] = pause.until;
  }
  const auto name = [](const std::string& group) {
    return group == store::kAllGroups ? std::string("all groups") : group;
  };
  for (const auto& [group, until] : under_way) {
    const auto before = told_.find(group);
    if (before == told_.end() || before->second != until)
      log::Warn({.event = "paused", .group = group}, "automatic changes of {} {}", name(group),
                Describe(read_.at(group)));
  }
  for (const auto& [group, until] : told_) {
    // It may still rest with all groups.
    if (!under_way.contains(group) && FindPause(read_, group, now) == nullptr)
      log::Info({.event = "resumed", .group = group}, "automatic changes of {} resumed", name(group));
  }
  told_ = std::move(under_way);
}

const store::Pause* Pauses::Find(const std::string& group) const {
  return FindPause(read_, group, UnixTime());
}

}  // namespace redis_zk::daemon
