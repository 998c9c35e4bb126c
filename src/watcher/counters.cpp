#include "watcher/counters.h"

#include <algorithm>
#include <cstddef>

namespace redis_zk::watcher {

void Count(const Event& event, Counters* counters) {
  ++counters->kinds[event.kind];
  if (event.kind == event_kind::kGroupGone) counters->groups.erase(event.group);
  // A group's first master is none of its changes.
  if (event.kind != event_kind::kMasterChanged || !event.fields.contains("from")) return;
  auto& group = counters->groups[event.group];
  ++group.record_changes;
  const auto outage = event.fields.find("outage_ms");
  if (outage == event.fields.end()) return;
  const double seconds = static_cast<double>(std::get<std::int64_t>(outage->second)) / 1000;
  const auto bound = std::lower_bound(kOutageBounds.begin(), kOutageBounds.end(), seconds);
  ++group.outages[static_cast<std::size_t>(bound - kOutageBounds.begin())];
  group.outage_sum_seconds += seconds;
}

}  // namespace redis_zk::watcher
