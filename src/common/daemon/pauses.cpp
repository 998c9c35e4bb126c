#include "daemon/pauses.h"

#include <utility>

#include "base/log.h"
#include "base/unix_time.h"

namespace redis_zk::daemon {

void Pauses::Take(store::Pauses read) {
  read_ = std::move(read);
  Look();
}

void Pauses::Look() {
  if (read_.empty() && told_.empty()) return;
  std::set<std::string> under_way;
  for (const auto& [group, pause] : read_) {
    if (!about_.empty() && group != about_ && group != store::kAllGroups) continue;
    if (IsUnderWay(pause, UnixTime())) under_way.insert(group);
  }
  const auto name = [](const std::string& group) {
    return group == store::kAllGroups ? std::string("all groups") : group;
  };
  for (const auto& group : under_way) {
    if (!told_.contains(group))
      log::Warn({.event = "paused", .group = group}, "automatic changes of {} {}", name(group),
                Describe(read_.at(group)));
  }
  for (const auto& group : told_) {
    if (!under_way.contains(group))
      log::Info({.event = "resumed", .group = group}, "automatic changes of {} resumed", name(group));
  }
  told_ = std::move(under_way);
}

const store::Pause* Pauses::Find(const std::string& group) const {
  return FindPause(read_, group, UnixTime());
}

}  // namespace redis_zk::daemon
