#include "watcher/housekeeping.h"

namespace redis_zk::watcher {

namespace {

constexpr Duration kAtLeastEvery = 5s;

}  // namespace

void Housekeeping::CleanUp(const RegistryView& view) {
  // A Sentinel that is registered and not known here would look like a stale entry of the others.
  const bool paused = view.clean_up_paused.has_value() || view.closed_sentinels > 0;
  cleaner_.Step(view, paused);
  by_ = Clock::now() + kAtLeastEvery;
}

}  // namespace redis_zk::watcher
