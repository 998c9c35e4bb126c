#include "store/paused_groups.h"

#include <utility>

#include "base/log.h"

namespace redis_zk::store {

using zookeeper::Lifetime;
using zookeeper::Watch;

namespace {

// Each failure means that another request has come through.
constexpr int kAttempts = 10;

}  // namespace

Result<Pauses> PausedGroups::Read(Watch watch) {
  const auto exists = session_.Exists(paths_.Pauses(), watch);
  if (!exists) return tl::unexpected(exists.error());
  if (!exists->has_value()) return Pauses{};
  const auto node = session_.Get(paths_.Pauses(), Watch::kNo);
  if (!node && node.error().kind == ErrorKind::kNotFound) return Pauses{};
  if (!node) return tl::unexpected(node.error());
  auto pauses = ParsePauses(node->data);
  if (pauses) return std::move(*pauses);
  if (std::exchange(told_, node->data) != node->data)
    log::Warn({.event = "pauses-unreadable"},
              "cannot read the pauses {}: {}; nothing is paused; POST /pause replaces it", paths_.Pauses(),
              pauses.error().message);
  return Pauses{};
}

Status PausedGroups::Pause(const std::string& group, const store::Pause& pause) {
  return Change(pause.since, [&](Pauses& pauses) { pauses[group] = pause; });
}

Result<bool> PausedGroups::Resume(const std::string& group, std::int64_t unix_now) {
  bool was_paused = false;
  auto changed = Change(unix_now, [&](Pauses& pauses) { was_paused = pauses.erase(group) > 0; });
  if (!changed) return tl::unexpected(changed.error());
  return was_paused;
}

Status PausedGroups::Change(std::int64_t unix_now, const std::function<void(Pauses&)>& change) {
  Status done;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const auto node = session_.Get(paths_.Pauses(), Watch::kNo);
    if (!node && node.error().kind != ErrorKind::kNotFound) return tl::unexpected(node.error());
    auto pauses = node ? ParsePauses(node->data).value_or(Pauses{}) : Pauses{};
    std::erase_if(pauses, [unix_now](const auto& entry) {
      return entry.second.until + kClocksDiffer.count() < unix_now;
    });
    change(pauses);
    if (node) {
      done = session_.Set(paths_.Pauses(), Render(pauses), node->stat.version);
    } else {
      if (auto made = session_.EnsurePath(paths_.Root()); !made) return made;
      done =
          session_.Create(paths_.Pauses(), Render(pauses), Lifetime::kPersistent).map([](const std::string&) {
          });
    }
    const bool lost_race = !done && (done.error().kind == ErrorKind::kConflict ||
                                     done.error().kind == ErrorKind::kAlreadyExists);
    if (!lost_race) return done;
  }
  return done;
}

}  // namespace redis_zk::store
