#include "watcher/web/json.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/json.h"
#include "base/unix_time.h"
#include "watcher/condition.h"
#include "watcher/failovers.h"
#include "watcher/group_state.h"
#include "watcher/web/wrappers_json.h"
#include "watcher/words.h"

namespace redis_zk::watcher::web {

namespace {

using store::Record;

std::int64_t Milliseconds(Clock::duration duration) {
  return std::chrono::duration_cast<Duration>(duration).count();
}

// FNV-1a: the same text has the same version wherever it is computed.
std::string VersionOf(std::string_view text) {
  std::uint64_t hash = 14695981039346656037U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  return fmt::format("{:016x}", hash);
}

VersionedJson Versioned(Json json) {
  std::string version = VersionOf(json.Dump());
  json["version"] = version;
  return {.text = json.Dump(), .version = std::move(version)};
}

// The one form of an address in every answer.
Json ToJson(const Endpoint& endpoint) {
  return {{"host", endpoint.host}, {"port", endpoint.port}, {"address", endpoint.ToAddress()}};
}

void AddWords(const Condition& condition, Json* json) {
  (*json)["level"] = condition.level == Level::kGood    ? "good"
                     : condition.level == Level::kPlain ? "plain"
                                                        : "bad";
  (*json)["state"] = condition.state;
  (*json)["details"] = condition.details;
}

Json MasterToJson(std::string_view group, const Record& record) {
  return {{"name", group}, {"master", ToJson(record.master)}, {"epoch", record.epoch}};
}

Json ToJson(const Record& record) {
  return {{"master", HasMaster(record) ? ToJson(record.master) : Json()},
          {"epoch", record.epoch},
          {"reason", record.reason}};
}

Json ToJson(const ServerStatus& server, const Condition& condition, TimePoint now) {
  Json json = ToJson(server.endpoint);
  AddWords(condition, &json);
  json["answers"] = server.info.has_value();
  if (!server.info) {
    json["silent_ms"] = Milliseconds(now - server.silent_since);
    json["error"] = server.error;
    return json;
  }
  const auto& info = *server.info;
  json["role"] = info.role == redis::Role::kMaster ? "master" : "replica";
  json["run_id"] = info.run_id;
  json["loading"] = info.loading;
  json["keys"] = info.keys;
  json["used_memory_bytes"] = info.used_memory;
  json["max_memory_bytes"] = info.max_memory;
  json["replication_id"] = info.replication_id;
  json["offset"] = info.offset;
  json["append_only"] = info.append_only;
  json["unsaved_changes"] = info.unsaved_changes;
  return json;
}

// The recorded master, or null.
Json MasterToJson(const GroupStatus& group, const Record& record, TimePoint now) {
  if (!HasMaster(record)) return {};
  if (group.master && group.master->endpoint == record.master)
    return ToJson(*group.master, ConditionOfMaster(*group.master, now), now);
  Json json = ToJson(record.master);
  AddWords({.state = "not asked yet"}, &json);
  json["answers"] = nullptr;
  return json;
}

Json ReplicaToJson(const GroupStatus& group, const ServerStatus& replica, TimePoint now) {
  Json json = ToJson(replica, ConditionOfReplica(group, replica, now), now);
  if (!replica.info || replica.info->role != redis::Role::kReplica) return json;
  const auto lag = LagOf(group, replica);
  json["follows"] = ToJson(replica.info->master);
  json["link_up"] = replica.info->link_up;
  json["attached"] = IsAttached(group, replica);
  json["link_down_ms"] = replica.info->link_down_for.count();
  json["synchronising"] = replica.info->synchronising;
  json["priority"] = replica.info->priority;
  json["lag_bytes"] = lag ? Json(*lag) : Json();
  return json;
}

Json SentinelToJson(const GroupStatus& group, const SentinelStatus& sentinel) {
  Json json = ToJson(sentinel.endpoint);
  AddWords(ConditionOfSentinel(group, sentinel), &json);
  if (!sentinel.report) {
    json["error"] = sentinel.error;
    return json;
  }
  const auto& report = *sentinel.report;
  json["believes"] = {
      {"master", ToJson(report.master)},   {"epoch", report.config_epoch},
      {"master_down", report.master_down}, {"failover_in_progress", report.failover_in_progress},
      {"quorum", report.quorum},           {"down_after_ms", report.down_after.count()},
      {"replicas", report.known_replicas}, {"other_sentinels", report.known_sentinels}};
  return json;
}

Json ToJson(const WaitingMember& member, TimePoint now) {
  Json json = ToJson(member.endpoint);
  AddWords(ConditionOfWaiting(member, now), &json);
  json["waiting_ms"] = Milliseconds(now - member.since);
  json["data_bytes"] = member.data_bytes;
  return json;
}

Json ToJson(const std::vector<LongWait>& waits, TimePoint now) {
  Json list = Json::Array();
  for (const auto& [wait, since, until] : waits) {
    list.Append(
        {{"daemon", wait.daemon},
         {"address", wait.endpoint.host.empty() ? Json() : Json(wait.endpoint.ToAddress())},
         {"name", wait.name},
         {"sentence", wait.sentence},
         {"waiting_ms", Milliseconds(now - since)},
         {"ends_within_ms", until ? Json(std::max<std::int64_t>(0, Milliseconds(*until - now))) : Json()},
         {"needs_person", wait.needs_person}});
  }
  return list;
}

Json WaitsOf(const std::string& group, const Topology& topology, TimePoint now) {
  const auto found = topology.waits.find(group);
  return found == topology.waits.end() ? Json::Array() : ToJson(found->second, now);
}

Json ToJson(const std::map<std::string, std::size_t>& versions) {
  Json counts = Json::Object();
  for (const auto& [version, count] : versions) counts[version] = count;
  return counts;
}

Json ToJson(const Outlook& outlook) {
  return {{"master_dies", outlook.master_dies},
          {"sentinel_dies", outlook.sentinel_dies},
          {"everything_dies", outlook.everything_dies}};
}

Json ToJson(const std::string& text) { return text; }
Json ToJson(std::int64_t number) { return number; }

void AddFields(const Event& event, Json* json) {
  for (const auto& [name, value] : event.fields)
    (*json)[name] = std::visit([](const auto& of_its_type) { return ToJson(of_its_type); }, value);
}

Json ToJson(const std::vector<BehaviorStatus>& behaviors) {
  Json list = Json::Array();
  for (const auto& behavior : behaviors) {
    list.Append({{"name", behavior.name},
                 {"kind", behavior.kind},
                 {"busy", behavior.busy},
                 {"queued", behavior.queued},
                 {"done", behavior.done},
                 {"failed", behavior.failed},
                 {"dropped", behavior.dropped},
                 {"last_error", behavior.last_error}});
  }
  return list;
}

// Without the group, which is known where it stands.
std::string SentenceOf(const Event& event) {
  const std::string prefix = event.group + ": ";
  return event.sentence.starts_with(prefix) ? event.sentence.substr(prefix.size()) : event.sentence;
}

Json StepsOf(const Failover& failover) {
  Json steps = Json::Array();
  for (const auto* step : failover.steps) {
    Json json{{"time", step->time}};
    AddFields(*step, &json);
    json["sentence"] = SentenceOf(*step);
    steps.Append(std::move(json));
  }
  return steps;
}

// Those that changed the record, oldest first; and the one that is under way, or null.
std::pair<Json, Json> FailoversOf(const std::string& group, const History& history, bool following) {
  Json done = Json::Array();
  Json running;
  for (const auto& failover : FailoversIn(history, group)) {
    if (failover.change == nullptr) {
      if (following) running = {{"steps", StepsOf(failover)}};
      continue;
    }
    Json json{{"id", failover.change->id}, {"time", failover.change->time}};
    AddFields(*failover.change, &json);
    json["sentence"] = SentenceOf(*failover.change);
    json["steps"] = StepsOf(failover);
    done.Append(std::move(json));
  }
  return {std::move(done), std::move(running)};
}

Json ToJson(const GroupState& state, TimePoint now) {
  constexpr std::array kSeverities{"down", "at-risk", "unknown", "trouble", "well"};
  return {{"severity", kSeverities.at(static_cast<std::size_t>(state.severity))},
          {"writable", state.writable ? Json(*state.writable) : Json()},
          {"for_ms", state.since ? Json(Milliseconds(now - *state.since)) : Json()},
          {"at_least", state.since_first_look},
          {"sentence", state.sentence}};
}

// With a group, what concerns it: its own, and what concerns all.
Json ToJson(const store::EventLog& event_log, std::string_view only_group) {
  Json list = Json::Array();
  for (const auto& event : event_log) {
    if (!only_group.empty() && !event.group.empty() && event.group != only_group) continue;
    list.Append({{"time", event.time},
                 {"group", event.group},
                 {"kind", event.kind},
                 {"sentence", event.sentence},
                 {"by", event.by},
                 {"who", event.who.empty() ? Json() : Json(event.who)},
                 {"from", event.from.empty() ? Json() : Json(event.from)}});
  }
  return list;
}

Json ToJson(const store::Pause* pause) {
  if (pause == nullptr) return {};
  return {{"since", pause->since}, {"until", pause->until},
          {"by", pause->by},       {"who", pause->who.empty() ? Json() : Json(pause->who)},
          {"from", pause->from},   {"reason", pause->reason}};
}

Json GroupToJson(const std::string& name, const Record& record, const Topology& topology,
                 const FleetStatus& status, const History& history, TimePoint now) {
  const auto seen = status.groups.find(name);
  const GroupStatus* last = seen == status.groups.end() ? nullptr : &seen->second;
  const GroupStatus group = last == nullptr ? GroupStatus{.record = record} : *last;
  const auto missed = topology.called_down.find(name);
  const auto called_down =
      missed == topology.called_down.end() ? std::nullopt : std::optional(missed->second);
  auto [failovers, running] = FailoversOf(name, history, topology.following.has_value());
  Json replicas = Json::Array();
  Json waiting = Json::Array();
  Json sentinels = Json::Array();
  for (const auto& replica : group.replicas) replicas.Append(ReplicaToJson(group, replica, now));
  if (const auto members = topology.waiting.find(name); members != topology.waiting.end()) {
    for (const auto& member : members->second) waiting.Append(ToJson(member, now));
  }
  for (const auto& sentinel : group.sentinels) sentinels.Append(SentinelToJson(group, sentinel));
  return {{"name", name},
          {"record", ToJson(record)},
          {"summary", SummaryOf(group)},
          {"state", ToJson(StateOf(record, last, status.observed_at, called_down), now)},
          {"master", MasterToJson(group, record, now)},
          {"replicas", std::move(replicas)},
          {"waiting", std::move(waiting)},
          {"waits", WaitsOf(name, topology, now)},
          {"paused", ToJson(store::FindPause(topology.pauses, name, UnixTime()))},
          {"sentinels", std::move(sentinels)},
          {"warnings", group.warnings},
          {"failover", std::move(running)},
          {"failovers", std::move(failovers)}};
}

}  // namespace

VersionedJson RenderSentinels(const std::vector<store::Sentinel>& sentinels) {
  Json list = Json::Array();
  for (const auto& sentinel : sentinels) list.Append(ToJson(sentinel.endpoint));
  return Versioned({{"sentinels", std::move(list)}});
}

std::string RenderSentinel(const Endpoint& sentinel) { return Json{{"sentinel", ToJson(sentinel)}}.Dump(); }

VersionedJson RenderMaster(std::string_view group, const Record& record) {
  return Versioned(MasterToJson(group, record));
}

std::string RenderRecordedMaster(std::string_view group, const Record& record) {
  return MasterToJson(group, record).Dump();
}

VersionedJson RenderMasters(const std::map<std::string, Record>& groups) {
  Json list = Json::Array();
  for (const auto& [group, record] : groups) {
    if (HasMaster(record)) list.Append(MasterToJson(group, record));
  }
  return Versioned({{"masters", std::move(list)}});
}

std::string RenderFailover(const AdminOutcome::FailedOver& done, std::string_view sentence) {
  return Json{{"from", ToJson(done.from)},        {"to", ToJson(done.to)}, {"took_ms", done.took.count()},
              {"paused_ms", done.paused.count()}, {"epoch", done.epoch},   {"sentence", sentence}}
      .Dump();
}

std::string RenderSentence(std::string_view name, std::string_view text) { return Json{{name, text}}.Dump(); }

std::string RenderStatus(const Topology& topology, const FleetStatus& status, const History& history,
                         const std::vector<BehaviorStatus>& behaviors, std::string_view only_group,
                         TimePoint now) {
  Json groups = Json::Array();
  for (const auto& [name, record] : topology.groups) {
    if (only_group.empty() || name == only_group)
      groups.Append(GroupToJson(name, record, topology, status, history, now));
  }
  const bool fresh = topology.zookeeper_connected;
  const bool read = topology.known_at != TimePoint{};
  const bool observed = status.observed_at != TimePoint{};
  const Clock::duration age = now - status.observed_at;
  return Json{{"version", kShapeVersion},
              {"time", UnixTime()},
              {"watcher",
               {{"version", REDIS_ZK_VERSION},
                {"name", OwnName()},
                {"running_ms", Milliseconds(now - topology.started_at)},
                {"default_group", topology.default_group}}},
              {"zookeeper",
               {{"connected", fresh},
                {"age_ms", fresh  ? Json(0)
                           : read ? Json(Milliseconds(now - topology.known_at))
                                  : Json()}}},
              {"following", topology.following ? ToJson(*topology.following) : Json()},
              {"observed_age_ms", observed ? Json(Milliseconds(age)) : Json()},
              {"observed", observed ? "as of " + InSeconds(age) + " ago" : "the servers are not asked"},
              {"warnings", WarningsOf(topology, now)},
              {"waits", WaitsOf("", topology, now)},
              {"behaviors", ToJson(behaviors)},
              {"versions", ToJson(topology.versions)},
              {"wrappers", WrappersToJson(topology, only_group, UnixTime())},
              {"paused", ToJson(store::FindPause(topology.pauses, store::kAllGroups, UnixTime()))},
              {"groups", std::move(groups)},
              {"history", ToJson(topology.event_log, only_group)}}
      .Dump();
}

std::string RenderExplanations(const std::map<std::string, GroupExplanation>& groups,
                               const FleetStatus& status, TimePoint now) {
  Json list = Json::Array();
  for (const auto& [name, group] : groups) {
    Json nodes = Json::Array();
    for (const auto& node : group.nodes) {
      nodes.Append({{"node", node.node ? ToJson(*node.node) : Json()},
                    {"role", node.role},
                    {"now", node.now},
                    {"if", ToJson(node.outlook)}});
    }
    list.Append({{"name", name}, {"if", ToJson(group.outlook)}, {"nodes", std::move(nodes)}});
  }
  return Json{{"version", kShapeVersion},
              {"observed_age_ms", Milliseconds(now - status.observed_at)},
              {"groups", std::move(list)}}
      .Dump();
}

std::string RenderEventData(const Event& event) {
  Json fields = Json::Object();
  AddFields(event, &fields);
  return Json{{"version", kShapeVersion},
              {"id", event.id},
              {"key", event.key},
              {"time", event.time},
              {"kind", event.kind},
              {"group", event.group},
              {"fields", std::move(fields)},
              {"sentence", event.sentence}}
      .Dump();
}

std::string RenderEvent(const Event& event) {
  return fmt::format("id: {}\nevent: {}\ndata: {}\n\n", event.id, event.kind, RenderEventData(event));
}

}  // namespace redis_zk::watcher::web
