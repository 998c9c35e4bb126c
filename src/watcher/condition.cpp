#include "watcher/condition.h"

#include <fmt/core.h>

#include <algorithm>

#include "watcher/words.h"

namespace redis_zk::watcher {

namespace {

using redis::Role;

constexpr std::int64_t kMuchLag = 10'000'000;
// An ordinary start is over before.
constexpr Duration kLongWait = 10s;

std::string SizeOf(const redis::ServerInfo& info) {
  std::string size =
      fmt::format("{}, {}", Counted(info.keys, "key"), InBytes(static_cast<std::int64_t>(info.used_memory)));
  if (info.max_memory > 0) size += " of " + InBytes(static_cast<std::int64_t>(info.max_memory));
  return size;
}

Condition ConditionOfSilent(const ServerStatus& server, TimePoint now) {
  // The address stands beside it.
  const std::string address = server.endpoint.ToAddress() + ": ";
  const std::string why =
      server.error.starts_with(address) ? server.error.substr(address.size()) : server.error;
  const std::string silence = InSeconds(now - server.silent_since);
  return {Level::kBad, "silent for " + silence, why, "has not answered for " + silence};
}

Condition ConditionOfLag(std::optional<std::int64_t> lag, std::string size) {
  if (!lag) return {Level::kPlain, "lag unknown", std::move(size), ""};
  const std::string behind = InBytes(*lag) + " behind";
  if (*lag >= kMuchLag) return {Level::kBad, behind, std::move(size), "is " + behind};
  return {Level::kGood, *lag == 0 ? "in step" : behind, std::move(size), ""};
}

std::string CountsOf(const GroupStatus& group, const sentinel::SentinelReport& report) {
  return fmt::format(
      "{}quorum {}, {}, {}",
      report.config_epoch == group.record.epoch ? "" : fmt::format("epoch {}, ", report.config_epoch),
      report.quorum, Counted(report.known_replicas, "replica"), Counted(report.known_sentinels, "peer"));
}

}  // namespace

std::string WhyNotWritable(const ServerStatus& master) {
  if (!master.info) return "does not answer";
  const auto& info = *master.info;
  if (info.role != Role::kMaster) return "is a replica of " + info.master.ToAddress();
  if (info.loading) return "is loading its data";
  if (!info.good_replicas) return "";
  const auto good = static_cast<std::int64_t>(*info.good_replicas);
  if (!master.min_replicas)
    return good > 0 ? "" : "rejects writes: min-replicas-to-write is set, and no replica is fit";
  if (*master.min_replicas >= redis::kFencedMinReplicas)
    return "rejects writes: its fence is raised, for neither ZooKeeper nor more than half of the group "
           "confirm it";
  if (good >= *master.min_replicas) return "";
  return fmt::format("rejects writes: min-replicas-to-write is {}, and {}", *master.min_replicas,
                     good == 0   ? "no replica is fit"
                     : good == 1 ? "1 replica is fit"
                                 : fmt::format("{} replicas are fit", good));
}

bool HidesMinReplicas(const ServerStatus& master) {
  return master.info && master.info->role == Role::kMaster && master.info->good_replicas.value_or(0) > 0 &&
         !master.min_replicas;
}

Condition ConditionOfMaster(const ServerStatus& master, TimePoint now) {
  if (!master.info) return ConditionOfSilent(master, now);
  const auto& info = *master.info;
  const std::string size = SizeOf(info);
  if (info.role != Role::kMaster)
    return {Level::kBad, "is a replica", size, "is a replica of " + info.master.ToAddress()};
  if (info.loading) return {Level::kBad, "loads its data", size, "is loading its data"};
  if (auto why = WhyNotWritable(master); !why.empty())
    return {Level::kBad, "rejects writes", size, std::move(why)};
  return {Level::kGood, "answers", size, ""};
}

Condition ConditionOfReplica(const GroupStatus& group, const ServerStatus& replica, TimePoint now) {
  if (!replica.info) return ConditionOfSilent(replica, now);
  const auto& info = *replica.info;
  const std::string size = SizeOf(info);
  if (info.role == Role::kMaster) return {Level::kBad, "acts as master", size, "acts as master, too"};
  if (info.loading) return {Level::kBad, "loads its data", size, "is loading its data"};
  if (info.synchronising) return {Level::kBad, "copies the data", size, "is copying the master's data"};
  if (HasMaster(group.record) && info.master != group.record.master) {
    const std::string follows = "follows " + info.master.ToAddress();
    return {Level::kBad, follows, size, follows + ", not the recorded master"};
  }
  if (!info.link_up) {
    const std::string time = InSeconds(info.link_down_for);
    return {Level::kBad, "no link for " + time, size, "has had no link to its master for " + time};
  }
  return ConditionOfLag(LagOf(group, replica), size);
}

Condition ConditionOfSentinel(const GroupStatus& group, const SentinelStatus& sentinel) {
  if (!sentinel.report) return {Level::kBad, sentinel.error, "", sentinel.error};
  const auto& report = *sentinel.report;
  const std::string counts = CountsOf(group, report);
  const std::string reports = "reports " + report.master.ToAddress();
  if (HasMaster(group.record) && report.master != group.record.master)
    return {Level::kBad, reports, counts, reports + " as the master"};
  if (report.failover_in_progress) return {Level::kBad, "runs a failover", counts, "runs a failover"};
  if (report.master_down) return {Level::kBad, "reports it as down", counts, "reports the master as down"};
  const std::size_t known = sentinel::FleetOf(report);
  const std::size_t registered = group.sentinels.size();
  if (known > registered) {
    return {Level::kBad, fmt::format("knows {} Sentinels", known), counts,
            fmt::format("knows {} Sentinels, but {} are registered: a failover needs a majority of all "
                        "that it knows",
                        known, registered)};
  }
  if (known < registered) {
    return {Level::kBad, fmt::format("knows {} of {} Sentinels", known, registered), counts,
            fmt::format("knows only {} of {} Sentinels", known, registered)};
  }
  if (!HasMaster(group.record)) return {Level::kPlain, reports, counts, ""};
  return {Level::kGood, "agrees", counts, ""};
}

Condition ConditionOfWaiting(const WaitingMember& member, TimePoint now) {
  const Clock::duration waited = now - member.since;
  const std::string time = InSeconds(waited);
  if (member.hangs) {
    return {Level::kBad, "hangs for " + time, "its redis-server runs and does not answer",
            "hangs for " + time + ": its redis-server runs and does not answer; find out what holds it"};
  }
  const bool is_long = waited >= kLongWait;
  return {is_long ? Level::kBad : Level::kPlain, "waits for " + time,
          (member.data_bytes == 0 ? "no data" : InBytes(static_cast<std::int64_t>(member.data_bytes))) +
              " on its disk",
          is_long ? "has waited for " + time + " and does not serve; its log says why" : ""};
}

std::string SummaryOf(const GroupStatus& group) {
  if (!HasMaster(group.record)) return "no master is recorded";
  const auto attached = std::count_if(group.replicas.begin(), group.replicas.end(),
                                      [&](const auto& replica) { return IsAttached(group, replica); });
  const auto agreeing = std::count_if(group.sentinels.begin(), group.sentinels.end(),
                                      [&](const auto& sentinel) { return Agrees(group, sentinel); });
  return fmt::format("master {}, {} of {} attached, {} of {} agree", group.record.master.ToAddress(),
                     attached, Counted(group.replicas.size(), "replica"), agreeing,
                     Counted(group.sentinels.size(), "Sentinel"));
}

}  // namespace redis_zk::watcher
