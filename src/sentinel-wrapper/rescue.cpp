#include "sentinel-wrapper/rescue.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "store/ownership.h"

namespace redis_zk::sentinel_wrapper {

namespace {

constexpr Duration kFirstPause = 5s;
constexpr Duration kLongestPause = 60s;
// sentinel.c: a replica may have been without its master for this many times down-after.
constexpr int kToleratedTimes = 10;
// On top, since the figures of a replica are up to a second old.
constexpr Duration kSlack = 500ms;

Finding No(std::string reason) { return {false, std::move(reason)}; }

bool Names(const store::Record& record, const Endpoint& master) {
  return record.state == store::Record::State::kMaster && record.master == master;
}

// Why the Sentinels' own views forbid a failover request; empty when they do not.
std::string Objection(const NudgeView& view) {
  std::size_t say_down = 0;
  std::size_t quorum = 1;
  const std::string* first = nullptr;
  for (const auto& [uuid, report, electing_for] : view.sentinels) {
    if (!report) continue;
    if (report->failover_in_progress && (uuid == view.uuid || electing_for < kLongestElection))
      return fmt::format("Sentinel {} already runs a failover", report->sentinel.ToAddress());
    if (!Names(view.record, report->master)) {
      return fmt::format("Sentinel {} names {}, not the recorded master", report->sentinel.ToAddress(),
                         report->master.ToAddress());
    }
    // Once restarted it has no opinion before down-after; a master that lives it reaches at once.
    const bool held_for_dead = uuid == view.uuid && view.restarted && !report->master_connected;
    const bool says_down = report->master_down || held_for_dead;
    if (uuid == view.uuid && !says_down) return "the local Sentinel does not report the master as down";
    if (uuid == view.uuid && report->tilt) return "the local Sentinel is in TILT";
    if (uuid == view.uuid) quorum = report->quorum;
    if (!says_down) continue;
    ++say_down;
    if (report->failover_in_progress || report->tilt) continue;
    if (first == nullptr || uuid < *first) first = &uuid;
  }
  if (say_down < quorum)
    return fmt::format("{} of {} required Sentinels report the master as down", say_down, quorum);
  if (!view.restarted && (first == nullptr || *first != view.uuid))
    return "another sentinel-wrapper is responsible";
  return "";
}

// Replicas that are registered and that our Sentinel reaches.
std::size_t CountLiving(const NudgeView& view) {
  const auto is_living = [&view](const store::Member& member) {
    return !Names(view.record, member.endpoint) &&
           std::any_of(view.replicas.begin(), view.replicas.end(), [&member](const auto& replica) {
             return replica.endpoint == member.endpoint && !replica.down && replica.asked;
           });
  };
  return static_cast<std::size_t>(std::count_if(view.members.begin(), view.members.end(), is_living));
}

// A replica with a copy of the group's data that Sentinel would promote.
bool CanTakeOver(const redis::ServerInfo& info, const BlindView& view) {
  return info.role == redis::Role::kReplica && !info.loading && !info.synchronising && info.priority != 0 &&
         (store::IsKnown(info.replication_id, view.history, view.datasets) ||
          store::IsKnown(info.previous_replication_id, view.history, view.datasets));
}

}  // namespace

Finding ShouldNudge(const NudgeView& view) {
  if (!view.restarted && view.quiet_for < kQuietBeforeNudge) return No("Sentinel still has time to act");
  if (std::string objection = Objection(view); !objection.empty()) return No(std::move(objection));
  const std::size_t living = CountLiving(view);
  if (living == 0) return No("no registered replica answers");
  if (view.since_last_nudge && *view.since_last_nudge < PauseAfterNudge(view.nudges))
    return No("the pause after the last failover request is not over");
  if (view.restarted) {
    return {
        true,
        fmt::format(
            "the master {} is unreachable, {} reachable replicas were unknown to Sentinel before its restart",
            view.record.master.ToAddress(), living)};
  }
  return {true,
          fmt::format(
              "the master {} is unreachable, {} replicas are reachable, and no Sentinel has acted for {} ms",
              view.record.master.ToAddress(), living, view.quiet_for.count())};
}

Duration PauseAfterNudge(std::size_t nudges) {
  Duration pause = kFirstPause;
  for (std::size_t i = 1; i < nudges && pause < kLongestPause; ++i) pause *= 2;
  return std::min(pause, kLongestPause);
}

std::optional<Duration> RaisedDownAfter(Duration down_after,
                                        const std::vector<sentinel::ReplicaReport>& replicas) {
  std::optional<Duration> freshest;
  for (const auto& replica : replicas) {
    if (replica.down) continue;
    freshest = std::min(freshest.value_or(Duration::max()), replica.master_link_down_for);
  }
  if (!freshest || *freshest <= down_after * kToleratedTimes) return std::nullopt;
  return down_after + *freshest / kToleratedTimes + kSlack;
}

bool HasChosen(const std::vector<sentinel::ReplicaReport>& replicas) {
  return std::any_of(replicas.begin(), replicas.end(), [](const auto& replica) { return replica.promoted; });
}

bool IsPromotable(const sentinel::ReplicaReport& replica) { return !replica.down && replica.priority != 0; }

Finding IsBlind(const BlindView& view) {
  const auto& own = view.own;
  if (!own.master_down) return No("its master is not down");
  if (own.failover_in_progress) return No("it is failing over");
  if (!Names(view.record, own.master)) return No("the record names another master");
  if (view.recorded_answers) return No("the recorded master answers");
  for (const auto& replica : view.replicas) {
    if (IsPromotable(replica)) return No(fmt::format("it can promote {}", replica.endpoint.ToAddress()));
  }
  for (const auto& [member, info] : view.members) {
    const bool known = std::any_of(
        view.replicas.begin(), view.replicas.end(),
        [&endpoint = member.endpoint](const auto& replica) { return replica.endpoint == endpoint; });
    if (known || !member.serving || member.endpoint == own.master || !info || !CanTakeOver(*info, view))
      continue;
    return {true,
            fmt::format("its master {} is down, it knows no replica to promote, and {} has the group's data",
                        own.master.ToAddress(), member.endpoint.ToAddress())};
  }
  return No("it knows every running replica with the group's data");
}

Finding HasMissedRecord(const StuckView& view) {
  const auto& own = view.own;
  if (view.record.state != store::Record::State::kMaster) return No("the record names no master");
  if (view.record.epoch <= own.config_epoch) return No("Sentinel knows a newer configuration");
  if (view.record.master == own.master) return No("the record names the same master");
  if (!view.record.cold_start && !own.master_down) return No("Sentinels made that configuration");
  if (HasChosen(view.replicas)) return No("it has chosen a replica");
  if (!view.recorded_acts) return No("the recorded master does not answer as master");
  return {true, fmt::format("the record is newer, and Sentinel still names {}", own.master.ToAddress())};
}

Finding IsStuck(const StuckView& view) {
  const auto& own = view.own;
  if (!own.master_down) return No("its master is not down");
  if (own.failover_in_progress) return No("it is failing over");
  if (view.record.state != store::Record::State::kMaster) return No("the record names no master");
  if (view.record.master == own.master) return No("the record names the same master");
  for (const auto& replica : view.replicas) {
    if (!replica.down) return No(fmt::format("it can promote {}", replica.endpoint.ToAddress()));
  }
  if (!view.recorded_acts) return No("the recorded master does not answer as master");
  return {true, fmt::format("its master {} is down, it knows no reachable replica, and the record names {}, "
                            "which acts as master",
                            own.master.ToAddress(), view.record.master.ToAddress())};
}

}  // namespace redis_zk::sentinel_wrapper
