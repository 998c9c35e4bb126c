#include "watcher/web/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <sstream>
#include <utility>
#include <vector>

#include "base/unix_time.h"
#include "watcher/expiring.h"
#include "watcher/remarks.h"

namespace redis_zk::watcher::web {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

// Samples by family, as the format wants them: all of a family together.
class Families {
 public:
  void Gauge(const char* name, const char* help, double value, Labels labels = {}) {
    Add(MetricType::Gauge, name, help, std::move(labels)).gauge.value = value;
  }
  void Counter(const char* name, const char* help, double value, Labels labels = {}) {
    Add(MetricType::Counter, name, help, std::move(labels)).counter.value = value;
  }
  void Histogram(const char* name, const char* help, ClientMetric::Histogram value, Labels labels = {}) {
    Add(MetricType::Histogram, name, help, std::move(labels)).histogram = std::move(value);
  }
  const std::vector<MetricFamily>& all() const { return all_; }

 private:
  ClientMetric& Add(MetricType type, const char* name, const char* help, Labels labels) {
    auto family =
        std::find_if(all_.begin(), all_.end(), [name](const auto& known) { return known.name == name; });
    if (family == all_.end()) family = all_.insert(all_.end(), {name, help, type, {}});
    auto& metric = family->metric.emplace_back();
    metric.label = std::move(labels);
    return metric;
  }

  std::vector<MetricFamily> all_;
};

void AddServer(Families& families, const std::string& group, const ServerStatus& server) {
  if (!server.info) return;
  const Labels labels{{"group", group}, {"server", server.endpoint.ToAddress()}};
  families.Gauge("redis_zk_memory_used_bytes", "Memory that a server uses.",
                 static_cast<double>(server.info->used_memory), labels);
  families.Gauge("redis_zk_memory_max_bytes", "Its maxmemory; 0: no limit.",
                 static_cast<double>(server.info->max_memory), labels);
}

void AddSentinels(Families& families, const Labels& labels, const GroupStatus& group) {
  std::uint64_t quorum = 0;
  std::uint64_t known = 0;
  for (const auto& sentinel : group.sentinels) {
    if (!sentinel.report) continue;
    quorum = std::max(quorum, sentinel.report->quorum);
    known = std::max(known, sentinel::FleetOf(*sentinel.report));
  }
  const auto agreeing = std::count_if(group.sentinels.begin(), group.sentinels.end(),
                                      [&group](const auto& sentinel) { return Agrees(group, sentinel); });
  families.Gauge("redis_zk_sentinels_agreeing", "Sentinels that name the recorded master and find it well.",
                 static_cast<double>(agreeing), labels);
  families.Gauge("redis_zk_sentinels_known",
                 "Sentinels that are counted for a majority, by the one that counts most.",
                 static_cast<double>(known), labels);
  families.Gauge("redis_zk_sentinel_quorum", "Sentinels that have to find a master down.",
                 static_cast<double>(quorum), labels);
}

void AddGroup(Families& families, const std::string& name, const GroupStatus& group) {
  const Labels labels{{"group", name}};
  const bool recorded = HasMaster(group.record);
  const bool up = group.master && group.master->info && group.master->info->role == redis::Role::kMaster;
  const auto attached = std::count_if(group.replicas.begin(), group.replicas.end(),
                                      [&](const auto& replica) { return IsAttached(group, replica); });
  families.Gauge("redis_zk_master_recorded", "1: a master is recorded.", recorded, labels);
  families.Gauge("redis_zk_master_up", "1: the recorded master answers as one.", up, labels);
  families.Gauge("redis_zk_master_writable", "1: clients can write to the recorded master.",
                 group.writable.is, labels);
  families.Gauge("redis_zk_config_epoch", "Sentinel's config epoch of the record.",
                 static_cast<double>(group.record.epoch), labels);
  families.Gauge("redis_zk_replicas", "Replicas that serve, or that the master or a Sentinel lists.",
                 static_cast<double>(group.replicas.size()), labels);
  families.Gauge("redis_zk_replicas_attached", "Of these, those whose link to the recorded master stands.",
                 static_cast<double>(attached), labels);
  for (const auto& replica : group.replicas) {
    if (const auto lag = LagOf(group, replica)) {
      families.Gauge("redis_zk_replica_lag_bytes", "How far a replica is behind its master.",
                     static_cast<double>(*lag), {{"group", name}, {"replica", replica.endpoint.ToAddress()}});
    }
  }
  AddSentinels(families, labels, group);
  if (up) {
    families.Gauge("redis_zk_keys", "Keys in all databases of the master.",
                   static_cast<double>(group.master->info->keys), labels);
  }
  if (group.master) AddServer(families, name, *group.master);
  for (const auto& replica : group.replicas) AddServer(families, name, replica);
  families.Gauge("redis_zk_foreign_sentinels", "Sentinels that are not registered, at servers of the group.",
                 static_cast<double>(group.strange_sentinels.size()), labels);
  families.Gauge("redis_zk_warnings", "Warnings of /status; those of no group concern all.",
                 static_cast<double>(group.warnings.size()), labels);
}

void AddCounters(Families& families, const Topology& topology, const Counters& counters) {
  // From 0 on, for a rate that begins with the first change.
  for (const auto& [group, record] : topology.groups) {
    const auto found = counters.groups.find(group);
    const auto& counted = found == counters.groups.end() ? Counters::Group{} : found->second;
    const Labels labels{{"group", group}};
    families.Counter("redis_zk_record_changes_total", "Changes of the recorded master that this watcher saw.",
                     static_cast<double>(counted.record_changes), labels);
    ClientMetric::Histogram durations;
    durations.sample_sum = counted.outage_sum_seconds;
    for (std::size_t index = 0; index < kOutageBounds.size(); ++index) {
      durations.sample_count += counted.outages[index];
      durations.bucket.push_back({durations.sample_count, kOutageBounds[index]});
    }
    durations.sample_count += counted.outages.back();
    durations.bucket.push_back({durations.sample_count, std::numeric_limits<double>::infinity()});
    families.Histogram("redis_zk_failover_duration_seconds",
                       "From the first sign that a master was gone until the record named the next one.",
                       std::move(durations), labels);
  }
  auto kinds = counters.kinds;
  for (const char* kind : event_kind::kAll) kinds.try_emplace(kind, 0);
  for (const auto& [kind, count] : kinds) {
    families.Counter("redis_zk_events_total", "Events of /events, by kind.", static_cast<double>(count),
                     {{"kind", kind}});
  }
}

// Seconds by group, member and reason, and whether only a person ends it: a label set that comes twice would
// spoil all metrics.
using WaitSeconds = std::map<std::array<std::string, 4>, double>;

void AddWaits(Families& families, const Topology& topology, TimePoint now) {
  const std::string watcher = "watcher";
  WaitSeconds all;
  // From 0 on, so that they are there to be asked for.
  for (const char* own : {"zookeeper", "sentinel", "registry"}) all[{"", watcher, own, "no"}] = 0;
  for (const auto& [group, waits] : topology.waits) {
    for (const auto& [wait, since, until] : waits) {
      const bool is_own = wait.endpoint.host.empty();
      // What others wait for is not known while ZooKeeper is away.
      if (!is_own && !topology.zookeeper_connected) continue;
      auto& seconds = all[{group, is_own ? watcher : wait.endpoint.ToAddress(), wait.name,
                           wait.needs_person ? "yes" : "no"}];
      seconds = std::max(seconds, std::chrono::duration<double>(now - since).count());
    }
  }
  for (const auto& [key, seconds] : all) {
    const auto& [group, member, reason, person] = key;
    families.Gauge("redis_zk_waiting_seconds",
                   "For how many seconds a daemon has waited, once they are more than 30; 0: it does not.",
                   seconds, {{"group", group}, {"member", member}, {"reason", reason}, {"person", person}});
  }
}

void AddCertificates(Families& families, const Topology& topology) {
  // A wrapper that was just replaced may be there twice.
  std::map<std::pair<std::string, std::string>, std::int64_t> all;
  for (const auto& node : topology.certificates) {
    for (const auto& [path, expires] : node.files) {
      const auto first = all.try_emplace({MemberOf(node), path}, expires).first;
      first->second = std::min(first->second, expires);
    }
  }
  for (const auto& [key, expires] : all) {
    families.Gauge("redis_zk_certificate_expiry_timestamp_seconds",
                   "When a file's first certificate expires, in seconds since 1970.",
                   static_cast<double>(expires) / 1000, {{"member", key.first}, {"file", key.second}});
  }
}

// One of each group and address: of a wrapper that was just replaced, the one that began last.
std::map<std::pair<std::string, std::string>, const store::Report*> LatestOf(const Topology& topology) {
  std::map<std::pair<std::string, std::string>, const store::Report*> latest;
  for (const auto& wrapper : topology.wrappers) {
    auto& kept = latest[{wrapper.process.group, wrapper.process.endpoint.ToAddress()}];
    if (kept == nullptr || kept->process.started <= wrapper.process.started) kept = &wrapper;
  }
  return latest;
}

double InUnixSeconds(std::int64_t unix_time) { return static_cast<double>(unix_time) / 1000; }

void AddWrapper(Families& families, const Labels& labels, const store::Report& wrapper,
                std::int64_t unix_now) {
  families.Gauge("redis_zk_wrapper_start_timestamp_seconds",
                 "When a wrapper began, in seconds since 1970 by the clock of its machine.",
                 InUnixSeconds(wrapper.process.started), labels);
  families.Counter("redis_zk_wrapper_server_exits_total",
                   "Servers of a wrapper that ended although nobody had asked them to.",
                   static_cast<double>(wrapper.past.exits), labels);
  families.Counter("redis_zk_wrapper_zookeeper_sessions_total",
                   "ZooKeeper sessions that a wrapper has had since it began.",
                   static_cast<double>(wrapper.zookeeper.sessions), labels);
  const auto& turn = wrapper.slow_turn;
  families.Gauge("redis_zk_wrapper_loop_slowest_seconds",
                 "The slowest turn that a wrapper's loop took within ten minutes; 0: none took a second.",
                 turn && IsRecent(turn->time, unix_now) ? static_cast<double>(turn->took) / 1000 : 0, labels);
  families.Gauge("redis_zk_wrapper_last_error_timestamp_seconds",
                 "When a wrapper logged its last error, in seconds since 1970; 0: it has logged none.",
                 wrapper.error ? InUnixSeconds(wrapper.error->time) : 0, labels);
  if (wrapper.process.daemon != "redis-wrapper") return;
  families.Gauge("redis_zk_wrapper_fenced", "1: the fence of a wrapper's master is raised.", wrapper.fenced,
                 labels);
  const auto& handover = wrapper.past.handover;
  families.Gauge("redis_zk_wrapper_last_handover_failed", "1: the last handover of a wrapper failed.",
                 handover && !handover->done, labels);
  families.Gauge("redis_zk_wrapper_last_handover_timestamp_seconds",
                 "When the last handover of a wrapper ended, in seconds since 1970; 0: there was none.",
                 handover ? InUnixSeconds(handover->time) : 0, labels);
}

void AddWrappers(Families& families, const Topology& topology) {
  for (const auto& [version, count] : topology.versions) {
    families.Gauge("redis_zk_wrappers", "Wrappers that are registered in ZooKeeper, by version.",
                   static_cast<double>(count), {{"version", version}});
  }
  for (const auto& [key, wrapper] : LatestOf(topology))
    AddWrapper(families, {{"group", key.first}, {"member", key.second}}, *wrapper, UnixTime());
}

void AddBehavior(Families& families, const BehaviorStatus& behavior) {
  families.Gauge("redis_zk_behavior_queue_length", "Events that wait for a behavior.",
                 static_cast<double>(behavior.queued), {{"behavior", behavior.name}});
  for (const auto& [result, count] : {std::pair{"done", behavior.done}, std::pair{"failed", behavior.failed},
                                      std::pair{"dropped", behavior.dropped}}) {
    families.Counter("redis_zk_behavior_events_total", "Events that a behavior has done with, by how.",
                     static_cast<double>(count), {{"behavior", behavior.name}, {"result", result}});
  }
}

}  // namespace

std::string RenderMetrics(const Topology& topology, const FleetStatus& status, const Counters& counters,
                          const std::vector<BehaviorStatus>& behaviors, const RequestCounts& requests,
                          const ZooKeeperFigures& figures, TimePoint now) {
  Families families;
  families.Gauge("redis_zk_build_info", "1; which watcher this is.", 1, {{"version", REDIS_ZK_VERSION}});
  families.Gauge("redis_zk_zookeeper_connected", "1: ZooKeeper is there to tell of changes.",
                 topology.zookeeper_connected);
  if (topology.read_took) {
    families.Gauge("redis_zk_zookeeper_read_seconds", "How long the last reading of all records took.",
                   std::chrono::duration<double>(*topology.read_took).count());
  }
  families.Counter("redis_zk_zookeeper_connections_total", "Connections to ZooKeeper that were made.",
                   static_cast<double>(figures.connections));
  // While it is away, the last one says nothing.
  if (topology.zookeeper_connected && figures.request_took) {
    families.Gauge("redis_zk_zookeeper_request_seconds", "How long the last small request to ZooKeeper took.",
                   std::chrono::duration<double>(*figures.request_took).count());
  }
  // Before it is known, 0 would be a lie.
  if (topology.open_znodes) {
    families.Gauge(
        "redis_zk_zookeeper_open_znodes",
        "Znodes that other users of ZooKeeper than ZK_USERNAME may change, or read where ZK_ACL is "
        "private.",
        static_cast<double>(topology.open_znodes->count));
  }
  auto open = FindOpenKinds(topology.wrappers);
  // From 0 on, so that they are there to be asked for.
  for (const char* kind : {"redis", "sentinel"}) {
    families.Gauge("redis_zk_open_servers", "Servers that other hosts may use without a password.",
                   static_cast<double>(open[kind].count), {{"kind", kind}});
  }
  families.Gauge("redis_zk_following", "1: a Sentinel's events are followed.",
                 topology.following.has_value());
  families.Gauge("redis_zk_sentinels_registered", "Sentinels that are registered in ZooKeeper.",
                 static_cast<double>(topology.sentinels.size()));
  families.Gauge("redis_zk_warnings", "Warnings of /status; those of no group concern all.",
                 static_cast<double>(WarningsOf(topology, now).size()), {{"group", ""}});
  if (status.observed_at != TimePoint{}) {
    families.Gauge("redis_zk_observed_age_seconds",
                   "How long ago the servers were asked how they are; what is told of them is as old.",
                   std::chrono::duration<double>(now - status.observed_at).count());
  }
  for (const auto& [name, group] : status.groups) AddGroup(families, name, group);
  for (const auto& [name, record] : topology.groups) {
    families.Gauge("redis_zk_paused", "1: automatic changes of the group are paused.",
                   store::FindPause(topology.pauses, name, UnixTime()) != nullptr, {{"group", name}});
  }
  AddWaits(families, topology, now);
  AddCertificates(families, topology);
  AddWrappers(families, topology);
  AddCounters(families, topology, counters);
  for (const auto& behavior : behaviors) AddBehavior(families, behavior);
  for (const auto& [code, count] : requests.Read()) {
    families.Counter("redis_zk_http_requests_total", "Answers over HTTP, by status.",
                     static_cast<double>(count), {{"code", std::to_string(code)}});
  }
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, families.all());
  return text.str();
}

}  // namespace redis_zk::watcher::web
