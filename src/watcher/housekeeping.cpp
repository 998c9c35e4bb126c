#include "watcher/housekeeping.h"

namespace redis_zk::watcher {

namespace {

constexpr Duration kAtLeastEvery = 5s;

}  // namespace

void Housekeeping::CleanUp(const RegistryView& view, const daemon::Pauses& pauses) {
  // A Sentinel that is registered and not known here would look like a stale entry of the others.
  const bool blind = view.closed_sentinels > 0;
  cleaner_.Step(view, [&](const std::string& group) { return blind || pauses.Find(group) != nullptr; });
  by_ = Clock::now() + kAtLeastEvery;
}

}  // namespace redis_zk::watcher
