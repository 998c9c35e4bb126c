#include "watcher/strange_sentinels.h"

#include <fmt/core.h>

#include <map>
#include <utility>

#include "base/printable.h"
#include "store/sentinel_id.h"

namespace redis_zk::watcher {

namespace {

// Whether a registered Sentinel that does not answer may be this one: its id is not known.
bool MayBeSilent(const Topology& topology, const GroupStatus& group, const sentinel::Link& link) {
  for (std::size_t i = 0; i < topology.sentinels.size() && i < group.sentinels.size(); ++i) {
    if (topology.sentinels[i].endpoint.host == link.host && !group.sentinels[i].report) return true;
  }
  return false;
}

}  // namespace

std::set<std::string> IdsOf(const Topology& topology, const Findings& findings) {
  std::set<std::string> ids = topology.sentinel_ids;
  for (const auto& sentinel : topology.sentinels) ids.insert(store::SentinelIdOf(sentinel.uuid));
  for (const auto& [group, reports] : findings.reports) {
    for (const auto& report : reports) {
      if (report && !report->report.id.empty()) ids.insert(report->report.id);
    }
  }
  return ids;
}

std::string Describe(const StrangeSentinel& strange) {
  return fmt::format(
      "Sentinel {} at {}, which is not registered here, monitors {} and may promote a replica or make this "
      "group's servers replicas of others",
      Printable(strange.id), strange.host, strange.server.ToAddress());
}

std::vector<StrangeSentinel> FindStrangers(const std::set<std::string>& ours, const Topology& topology,
                                           const Findings& findings, const GroupStatus& group,
                                           const GroupStatus* earlier, TimePoint now) {
  const auto is_ours = [&ours](const std::string& id) {
    const auto next = ours.lower_bound(id);
    return next != ours.end() && next->starts_with(id);
  };
  std::map<std::string, StrangeSentinel> strangers;
  const auto look_at = [&](const Endpoint& server) {
    const auto found = findings.links.find(server);
    if (found == findings.links.end()) return false;
    for (const auto& link : found->second) {
      if (!is_ours(link.id) && !MayBeSilent(topology, group, link))
        strangers.emplace(link.id, StrangeSentinel{link.id, Printable(link.host), server, now});
    }
    return true;
  };
  std::set<Endpoint> unasked;
  std::vector<Endpoint> servers;
  if (group.master) servers.push_back(group.master->endpoint);
  for (const auto& replica : group.replicas) servers.push_back(replica.endpoint);
  for (const auto& server : servers) {
    if (!look_at(server)) unasked.insert(server);
  }
  static const GroupStatus kNothing;
  for (const auto& known : (earlier == nullptr ? kNothing : *earlier).strange_sentinels) {
    if (is_ours(known.id)) continue;
    const auto found = strangers.find(known.id);
    if (found != strangers.end()) {
      found->second.since = known.since;
    } else if (unasked.contains(known.server)) {
      strangers.emplace(known.id, known);
    }
  }
  std::vector<StrangeSentinel> all;
  for (auto& [id, strange] : strangers) all.push_back(std::move(strange));
  return all;
}

}  // namespace redis_zk::watcher
