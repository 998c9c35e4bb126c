#include "watcher/look_turns.h"

#include <algorithm>
#include <utility>

namespace redis_zk::watcher {

namespace {

Duration FirstWait(const LookTurns::Strange& strange) { return strange.urgent ? kUrgentLook : kStrangeLook; }

}  // namespace

void LookTurns::Notice(const std::map<std::string, Strange>& strange, TimePoint now) {
  for (const auto& [group, what] : strange) {
    const auto before = noticed_.find(group);
    if (before != noticed_.end() && before->second == what) continue;
    soon_[group] = {.strange = what, .at = now, .wait = FirstWait(what)};
  }
  noticed_ = strange;
}

void LookTurns::Looked(const std::string& group, const std::optional<Strange>& found, bool acted,
                       TimePoint now) {
  if (!found) {
    soon_.erase(group);
    return;
  }
  auto& soon = soon_[group];
  const bool again = soon.strange == *found && !acted;
  soon.wait = again ? std::min<Duration>(soon.wait * 2, kSlowestLook) : FirstWait(*found);
  soon.strange = *found;
  soon.at = now + soon.wait;
}

void LookTurns::Forget(const std::set<std::string>& groups) {
  const auto is_none = [&groups](const auto& entry) { return !groups.contains(entry.first); };
  std::erase_if(soon_, is_none);
  // What is noticed there when they come again is news.
  std::erase_if(noticed_, is_none);
}

std::optional<std::string> LookTurns::Next(const std::set<std::string>& groups, Duration round,
                                           TimePoint now) {
  const auto soonest = std::min_element(
      soon_.begin(), soon_.end(), [](const auto& a, const auto& b) { return a.second.at < b.second.at; });
  const bool soon_due = soonest != soon_.end() && soonest->second.at <= now;
  const bool round_due = round_at_ <= now;
  if (soon_due && !(round_due && passed_over_)) {
    passed_over_ = true;
    // Until the look says more.
    soonest->second.at = now + kSlowestLook;
    return soonest->first;
  }
  if (!round_due) return std::nullopt;
  passed_over_ = false;
  round_at_ = now + round;
  auto next = groups.upper_bound(last_);
  if (next == groups.end()) next = groups.begin();
  last_ = *next;
  return last_;
}

TimePoint LookTurns::due() const {
  TimePoint due = round_at_;
  for (const auto& [group, soon] : soon_) due = std::min(due, soon.at);
  return due;
}

TimePoint LookTurns::urgent_at() const {
  TimePoint at = TimePoint::max();
  for (const auto& [group, soon] : soon_) {
    if (soon.strange.urgent) at = std::min(at, soon.at);
  }
  return at;
}

}  // namespace redis_zk::watcher
