#include "watcher/forecast.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "watcher/words.h"

namespace redis_zk::watcher {

namespace {

using redis::Role;

// Sentinel refuses a replica whose link was down for longer, in down-afters (sentinel.c,
// sentinelSelectSlave).
constexpr int kMostDownAfters = 10;
// Servers are not asked at the same instant, and the stream of writes goes on: offsets that differ by less
// count as equal.
constexpr std::int64_t kAlike = 4096;

Election FindElection(const GroupStatus& group) {
  Election election;
  for (const auto& sentinel : group.sentinels) {
    if (!NamesMaster(group, sentinel)) continue;
    const auto& report = *sentinel.report;
    ++election.agreeing;
    election.quorum = std::max(election.quorum, report.quorum);
    election.counted = std::max(election.counted, sentinel::FleetOf(report));
    election.down_after = std::max(election.down_after, report.down_after);
  }
  return election;
}

// Why it would not be promoted; nothing: it could be.
std::optional<std::string> FindObstacle(const GroupStatus& group, const ServerStatus& replica,
                                        const Election& election, TimePoint now) {
  if (!replica.info) return "it does not answer";
  const auto& info = *replica.info;
  if (info.role == Role::kMaster) return "it acts as a master already";
  if (info.loading || info.synchronising ||
      (info.priority == 0 && group.incomplete.contains(replica.endpoint)))
    return "it holds no complete copy of the data yet";
  if (info.priority == 0) return "its replica-priority is 0";
  const bool seen =
      std::any_of(group.sentinels.begin(), group.sentinels.end(), [&](const SentinelStatus& sentinel) {
        return std::any_of(sentinel.replicas.begin(), sentinel.replicas.end(), [&](const auto& report) {
          return report.endpoint == replica.endpoint && !report.down;
        });
      });
  if (!seen) return "no Sentinel sees it";
  // The time for which the master has been dead does not count against it.
  const bool silent = group.master && !group.master->info;
  const Clock::duration dead_for = silent ? now - group.master->silent_since : Clock::duration{};
  if (info.link_down_for > election.down_after * kMostDownAfters + dead_for) {
    return fmt::format(
        "its link to the master has been down for {}, so Sentinel refuses it; recovery is what can still "
        "promote it",
        InSeconds(info.link_down_for));
  }
  return std::nullopt;
}

// As Sentinel chooses: the lowest priority, then the highest offset, then the lowest run id.
Succession ChooseCandidate(const std::vector<const ServerStatus*>& fit) {
  std::int64_t lowest = std::numeric_limits<std::int64_t>::max();
  for (const auto* replica : fit) lowest = std::min(lowest, replica->info->priority);
  std::vector<const ServerStatus*> preferred;
  std::int64_t furthest = std::numeric_limits<std::int64_t>::min();
  for (const auto* replica : fit) {
    if (replica->info->priority != lowest) continue;
    preferred.push_back(replica);
    furthest = std::max(furthest, replica->info->offset);
  }
  std::vector<const ServerStatus*> front;
  for (const auto* replica : preferred) {
    if (replica->info->offset + kAlike >= furthest) front.push_back(replica);
  }
  const auto first = std::min_element(front.begin(), front.end(), [](const auto* one, const auto* other) {
    return one->info->run_id < other->info->run_id;
  });
  if (first == front.end()) return {};
  Succession succession{.candidate = *first};
  if (fit.size() == 1) {
    succession.why = "it is the only candidate";
  } else if (preferred.size() == 1) {
    succession.why = fmt::format("its replica-priority {} is the lowest", lowest);
  } else if (front.size() == 1) {
    succession.why = fmt::format("of priority {} it has the highest offset", lowest);
  } else {
    succession.why =
        fmt::format("priority {}, about the same offset as {} of that priority, and the lowest run id",
                    lowest, front.size() == 2 ? "the other one" : "the others");
  }
  return succession;
}

Succession FindSuccession(const GroupStatus& group, const Election& election, TimePoint now) {
  std::vector<const ServerStatus*> fit;
  std::map<Endpoint, std::string> obstacles;
  for (const auto& replica : group.replicas) {
    if (auto obstacle = FindObstacle(group, replica, election, now)) {
      obstacles.emplace(replica.endpoint, std::move(*obstacle));
    } else {
      fit.push_back(&replica);
    }
  }
  auto succession = ChooseCandidate(fit);
  succession.obstacles = std::move(obstacles);
  return succession;
}

bool HoldsData(const ServerStatus& server) {
  const OnDisk on_disk = FindOnDisk(server);
  return on_disk == OnDisk::kAll || on_disk == OnDisk::kIncomplete;
}

// Whose data are the group's: the master's, or those that go furthest. Nothing: no server holds any.
const ServerStatus* FindReference(const std::vector<const ServerStatus*>& servers) {
  const ServerStatus* reference = nullptr;
  for (const auto* server : servers) {
    if (!HoldsData(*server)) continue;
    const bool better =
        reference == nullptr ||
        (reference->info->role != Role::kMaster &&
         (server->info->role == Role::kMaster || server->info->offset > reference->info->offset));
    if (better) reference = server;
  }
  return reference;
}

ColdStart FindColdStart(const GroupStatus& group) {
  std::vector<const ServerStatus*> servers;
  if (group.master) servers.push_back(&*group.master);
  for (const auto& replica : group.replicas) servers.push_back(&replica);
  const ServerStatus* reference = FindReference(servers);
  ColdStart found{.any_data = reference != nullptr};
  std::int64_t furthest = std::numeric_limits<std::int64_t>::min();
  std::vector<const ServerStatus*> complete;
  for (const auto* server : servers) {
    const OnDisk on_disk = FindOnDisk(*server);
    found.any_unknown |= on_disk == OnDisk::kUnknown;
    if (!HoldsData(*server)) continue;
    if (server->info->replication_id != reference->info->replication_id) {
      found.others.push_back(server);
    } else if (on_disk == OnDisk::kIncomplete) {
      found.snapshots.push_back(server);
    } else {
      complete.push_back(server);
      furthest = std::max(furthest, server->info->offset);
    }
  }
  for (const auto* server : complete) {
    if (server->info->offset + kAlike < furthest) continue;
    (IsBackup(group, *server) ? found.backups : found.newest).push_back(server);
  }
  found.a_backup_begins = found.newest.empty() && !found.backups.empty();
  if (found.a_backup_begins) found.newest.swap(found.backups);
  return found;
}

}  // namespace

std::uint64_t VotesToLead(std::uint64_t quorum, std::uint64_t counted) {
  return std::max(quorum, counted / 2 + 1);
}

OnDisk FindOnDisk(const ServerStatus& server) {
  if (!server.info) return OnDisk::kUnknown;
  const auto& info = *server.info;
  if (info.loading || info.synchronising) return OnDisk::kCopying;
  if (info.keys == 0) return OnDisk::kNothing;
  return info.append_only || info.unsaved_changes == 0 ? OnDisk::kAll : OnDisk::kIncomplete;
}

bool IsBackup(const GroupStatus& group, const ServerStatus& server) {
  const auto found = group.priorities.find(server.endpoint);
  return found != group.priorities.end() && found->second == store::kNeverPromoted;
}

Forecast Foresee(const GroupStatus& group, TimePoint now) {
  Forecast forecast{.election = FindElection(group)};
  forecast.succession = FindSuccession(group, forecast.election, now);
  forecast.cold_start = FindColdStart(group);
  return forecast;
}

}  // namespace redis_zk::watcher
