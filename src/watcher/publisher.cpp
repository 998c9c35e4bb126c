#include "watcher/publisher.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/time.h"

namespace redis_zk::watcher {

namespace {

Topology Unknown(const std::string& default_group) {
  Topology topology;
  topology.default_group = default_group;
  topology.started_at = Clock::now();
  return topology;
}

}  // namespace

Publisher::Publisher(const std::string& default_group, std::function<void(const Event&)> tell)
    : topology_(Unknown(default_group)), events_(std::move(tell)) {}

std::vector<Event> Publisher::Publish(Topology next, const Outages& outages) {
  const auto before = topology_.Get();
  next.started_at = before->started_at;
  auto events = Compare(*before, next, outages, Clock::now());
  topology_.Set(std::move(next));
  std::vector<Event> changes;
  std::copy_if(events.begin(), events.end(), std::back_inserter(changes),
               [](const Event& event) { return event.kind == event_kind::kMasterChanged; });
  events_.Add(std::move(events));
  return changes;
}

void Publisher::NoteObserved(std::shared_ptr<const FleetStatus> status) {
  events_.Add(Compare(*observed_, *status));
  observed_ = std::move(status);
}

void Publisher::Close() {
  topology_.Close();
  events_.Close();
}

Outages FindOutages(const Outages& called_down, const FleetStatus& observed) {
  Outages outages = called_down;
  for (const auto& [name, group] : observed.groups) {
    if (!group.master || group.master->info) continue;
    auto& since = outages.emplace(name, group.master->silent_since).first->second;
    since = std::min(since, group.master->silent_since);
  }
  return outages;
}

}  // namespace redis_zk::watcher
