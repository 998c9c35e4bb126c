#include "watcher/web/answers.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <utility>

#include "base/printable.h"
#include "watcher/explain.h"
#include "watcher/web/json.h"
#include "watcher/web/metrics.h"
#include "watcher/web/page.h"

namespace redis_zk::watcher::web {

namespace {

constexpr std::string_view kJsonType = "application/json";
constexpr int kBadRequest = 400;
constexpr int kNotFound = 404;
constexpr int kUnavailable = 503;

Answer Text(std::string body) { return {.body = std::move(body)}; }
Answer JsonText(std::string json) {
  return {.content_type = std::string(kJsonType), .body = std::move(json)};
}

Answer FailedFor(const Request& request, int status, std::string why) {
  return web::Failed(status, request.accept, std::move(why));
}

Answer Unavailable(const Request& request, std::string why) {
  return FailedFor(request, kUnavailable, std::move(why));
}

// What one can wait for a change of.
Answer Versioned(const Request& request, std::string text, VersionedJson json) {
  Answer answer = WantsJson(request.accept) ? JsonText(std::move(json.text)) : Text(std::move(text));
  answer.version = std::move(json.version);
  return answer;
}

Answer NotYet(const Request& request, std::string why) {
  Answer answer = Unavailable(request, std::move(why));
  answer.version = "none";
  return answer;
}

Answer NoSuchGroup(const Request& request) {
  return FailedFor(request, kNotFound, "no such group; /masters lists the groups");
}

bool IsOfNoGroup(const Request& request, const Topology& topology) {
  return !request.group.empty() && !topology.groups.contains(std::string(request.group));
}

std::string ListOf(const std::vector<store::Sentinel>& sentinels, std::string_view before, char between) {
  std::string list;
  for (const auto& sentinel : sentinels)
    list +=
        (list.empty() ? "" : std::string(1, between)) + std::string(before) + sentinel.endpoint.ToAddress();
  return list;
}

// What several clients take as one string; nothing: there is no such form.
std::optional<std::string> ConnectionString(std::string_view form, const Topology& topology,
                                            std::string_view group) {
  const std::string list = ListOf(topology.sentinels, "", ',');
  const std::string_view redis = topology.redis_tls ? "rediss" : "redis";
  // Redis-Sentinel-Url, RedisVL, LangChain, Prefect.
  if (form == "url") return fmt::format("{}+sentinel://{}/{}", redis, list, group);
  if (form == "lettuce") return fmt::format("{}-sentinel://{}?sentinelMasterId={}", redis, list, group);
  // Kombu takes the master's name and TLS from broker_transport_options.
  if (form == "celery") return ListOf(topology.sentinels, "sentinel://", ';');
  return std::nullopt;
}

Answer Sentinels(const Request& request, const Topology& topology, std::string_view /*group*/) {
  if (IsOfNoGroup(request, topology)) return NoSuchGroup(request);
  if (topology.sentinels.empty()) return NotYet(request, "no Sentinel is registered");
  auto json = RenderSentinels(topology.sentinels);
  if (request.form.empty()) return Versioned(request, ListOf(topology.sentinels, "", ','), std::move(json));
  auto text = ConnectionString(request.form, topology,
                               request.group.empty() ? topology.default_group : request.group);
  if (!text)
    return FailedFor(
        request, kBadRequest,
        fmt::format("form: found \"{}\", expected url, lettuce or celery", Printable(request.form)));
  Answer answer = Text(std::move(*text));
  answer.version = std::move(json.version);
  return answer;
}

Answer Sentinel(const Request& request, const Topology& topology, std::string_view /*group*/) {
  if (topology.sentinels.empty()) return Unavailable(request, "no Sentinel is registered");
  const Endpoint& chosen = topology.sentinels[request.pick(topology.sentinels.size())].endpoint;
  return WantsJson(request.accept) ? JsonText(RenderSentinel(chosen)) : Text(chosen.ToRecord());
}

// Nothing: none is recorded.
const store::Record* MasterOf(const Topology& topology, std::string_view group) {
  const auto found = topology.groups.find(std::string(group));
  return found != topology.groups.end() && HasMaster(found->second) ? &found->second : nullptr;
}

Answer MasterOfGroup(const Request& request, const Topology& topology, std::string_view group) {
  const auto* record = MasterOf(topology, group);
  if (record == nullptr) return NotYet(request, "no master is recorded");
  return Versioned(request, record->master.ToRecord(), RenderMaster(group, *record));
}

Answer Master(const Request& request, const Topology& topology, std::string_view /*group*/) {
  return MasterOfGroup(request, topology, topology.default_group);
}

Answer GroupMaster(const Request& request, const Topology& topology, std::string_view group) {
  if (!topology.groups.contains(std::string(group))) return NoSuchGroup(request);
  return MasterOfGroup(request, topology, group);
}

Answer Masters(const Request& request, const Topology& topology, std::string_view /*group*/) {
  std::string text;
  for (const auto& [group, record] : topology.groups) {
    if (MasterOf(topology, group) == nullptr) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : "\n", group, record.master.ToRecord());
  }
  return Versioned(request, std::move(text), RenderMasters(topology.groups));
}

// For load balancers, which ask about one server at a time.
Answer IsMaster(const Request& request, const Topology& topology, std::string_view group) {
  if (!topology.groups.contains(std::string(group))) return NoSuchGroup(request);
  const auto asked = ParseAddress(request.addr, std::nullopt);
  if (!asked) {
    return FailedFor(
        request, kBadRequest,
        fmt::format("addr: found \"{}\", expected {}", Printable(request.addr), asked.error().message));
  }
  const auto* record = MasterOf(topology, group);
  if (record == nullptr) return Unavailable(request, "no master is recorded");
  if (record->master != *asked) {
    return Unavailable(request, fmt::format("{} is the master", record->master.ToAddress()));
  }
  return WantsJson(request.accept) ? JsonText(RenderRecordedMaster(group, *record))
                                   : Text("it is the master");
}

Answer Home(const Request& request, const Topology& /*topology*/, std::string_view /*group*/) {
  if (WantsPage(request.accept)) return {.content_type = kPageType, .body = std::string(kPage)};
  return Text(
      "redis-zk watcher: /sentinels /sentinel /master /masters /masters/NAME "
      "/masters/NAME/is-master?addr=HOST:PORT /status /explain /events /metrics /healthz /readyz - "
      "with a token: POST /masters/NAME/failover?to=HOST:PORT POST /pause?group=NAME&for=2h POST /resume "
      "DELETE /masters/NAME");
}

Answer Explained(const Request& request, const Topology& topology, std::string_view /*group*/) {
  if (IsOfNoGroup(request, topology)) return NoSuchGroup(request);
  const auto& status = *request.status;
  if (status.observed_at == TimePoint{})
    return Unavailable(request, "no server was asked yet; with OBSERVE_INTERVAL=0 none is ever asked");
  std::map<std::string, GroupExplanation> groups;
  std::string text;
  for (const auto& [name, group] : status.groups) {
    if (!request.group.empty() && name != request.group) continue;
    auto& explained = groups[name] = Explain(topology, group, request.now);
    text += (text.empty() ? "" : "\n") + RenderText(name, explained);
  }
  Answer answer = WantsJson(request.accept) ? Answer{.content_type = std::string(kJsonType),
                                                     .body = RenderExplanations(groups, status, request.now)}
                                            : Text(std::move(text));
  answer.cache_control = "no-store";
  return answer;
}

Answer Status(const Request& request, const Topology& topology, std::string_view /*group*/) {
  if (IsOfNoGroup(request, topology)) return NoSuchGroup(request);
  return {.content_type = std::string(kJsonType),
          .cache_control = "no-store",
          .body = RenderStatus(topology, *request.status, *request.history, request.behaviors(),
                               request.group, request.now)};
}

Answer Events(const Request& /*request*/, const Topology& /*topology*/, std::string_view /*group*/) {
  return {.content_type = kEventStream, .cache_control = "no-store"};
}

Answer Healthz(const Request& request, const Topology& /*topology*/, std::string_view /*group*/) {
  return request.loop_alive ? Text("ok")
                            : Unavailable(request, "the watcher's main loop is stuck; restart the watcher");
}

Answer Readyz(const Request& request, const Topology& topology, std::string_view /*group*/) {
  if (!topology.zookeeper_connected) return Unavailable(request, "ZooKeeper is not connected");
  if (topology.sentinels.empty()) return Unavailable(request, "no Sentinel is registered");
  if (!topology.following) return Unavailable(request, "no Sentinel is followed");
  // It serves as well as ever.
  if (topology.open_znodes && topology.open_znodes->count > 0)
    return Text("ready, but " + DescribeOpen(*topology.open_znodes));
  return Text("ready");
}

Answer Metrics(const Request& request, const Topology& topology, std::string_view /*group*/) {
  return {.content_type = kMetricsType,
          .cache_control = "no-store",
          .body = RenderMetrics(topology, *request.status, *request.counters, request.behaviors(),
                                *request.requests, *request.figures, request.now)};
}

struct Route {
  std::string_view path;  // a "*" stands for the group's name
  Answer (*answer)(const Request&, const Topology&, std::string_view group);
  bool from_zookeeper;  // the answer ages while ZooKeeper is away
  Lane lane;
};

constexpr std::array<Route, 13> kRoutes{{{"/sentinels", Sentinels, true, Lane::kQuick},
                                         {"/sentinel", Sentinel, true, Lane::kQuick},
                                         {"/master", Master, true, Lane::kQuick},
                                         {"/masters", Masters, true, Lane::kQuick},
                                         {"/masters/*", GroupMaster, true, Lane::kQuick},
                                         {"/masters/*/is-master", IsMaster, true, Lane::kQuick},
                                         {"/status", Status, false, Lane::kSlow},
                                         {"/explain", Explained, false, Lane::kSlow},
                                         {"/events", Events, false, Lane::kQuick},
                                         {"/metrics", Metrics, false, Lane::kSlow},
                                         {"/", Home, false, Lane::kQuick},
                                         {"/healthz", Healthz, false, Lane::kQuick},
                                         {"/readyz", Readyz, false, Lane::kQuick}}};

struct AdminPattern {
  std::string_view path;
  std::string_view method;
  AdminRequest::Action action;
};

constexpr std::array<AdminPattern, 4> kAdmin{
    {{"/masters/*/failover", "POST", AdminRequest::Action::kFailOver},
     {"/masters/*", "DELETE", AdminRequest::Action::kDeleteGroup},
     {"/pause", "POST", AdminRequest::Action::kPauseChanges},
     {"/resume", "POST", AdminRequest::Action::kResumeChanges}}};

// The first type that we have decides; "*/*" and everything unknown mean text, which the original's clients
// expect.
std::string FirstType(std::string_view accept) {
  while (!accept.empty()) {
    const auto comma = accept.find(',');
    std::string_view type = accept.substr(0, comma);
    type = type.substr(0, type.find(';'));
    const auto first = type.find_first_not_of(' ');
    const auto last = type.find_last_not_of(' ');
    if (first != std::string_view::npos) {
      type = type.substr(first, last - first + 1);
      // The names of types know no case.
      std::string lower(type);
      std::transform(lower.begin(), lower.end(), lower.begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      if (lower == kJsonType || lower.starts_with("text/")) return lower;
    }
    if (comma == std::string_view::npos) break;
    accept.remove_prefix(comma + 1);
  }
  return {};
}

// What stands in the place of "*", empty where there is none; nothing: another path.
std::optional<std::string_view> Match(std::string_view pattern, std::string_view path) {
  const auto star = pattern.find('*');
  if (star == std::string_view::npos) return path == pattern ? std::optional("") : std::nullopt;
  const auto before = pattern.substr(0, star);
  const auto after = pattern.substr(star + 1);
  const bool fits =
      path.size() > before.size() + after.size() && path.starts_with(before) && path.ends_with(after);
  if (!fits) return std::nullopt;
  const auto name = path.substr(before.size(), path.size() - before.size() - after.size());
  return name.find('/') == std::string_view::npos ? std::optional(name) : std::nullopt;
}

}  // namespace

std::optional<AdminRoute> AdminAt(std::string_view path) {
  for (const auto& pattern : kAdmin) {
    if (const auto group = Match(pattern.path, path))
      return AdminRoute{pattern.method, pattern.action, *group};
  }
  return std::nullopt;
}

Lane LaneOf(std::string_view method, std::string_view target) {
  // Encoded, or with a scheme: it may be any path.
  if (target.find('%') != std::string_view::npos || !target.starts_with('/'))
    return method == "GET" || method == "HEAD" ? Lane::kSlow : Lane::kAdmin;
  const auto path = target.substr(0, target.find_first_of("?#"));
  const auto admin = AdminAt(path);
  if (admin && admin->method == method) return Lane::kAdmin;
  const auto route = std::find_if(kRoutes.begin(), kRoutes.end(),
                                  [path](const Route& each) { return Match(each.path, path).has_value(); });
  return route == kRoutes.end() ? Lane::kQuick : route->lane;
}

Answer Failed(int status, std::string_view accept, std::string why) {
  Answer answer = WantsJson(accept) ? JsonText(RenderSentence("error", why)) : Text(std::move(why));
  answer.status = status;
  return answer;
}

Answer AnswerOf(const AdminOutcome& outcome, std::string_view accept) {
  if (outcome.status != 200) return Failed(outcome.status, accept, outcome.told);
  if (!outcome.failed_over)
    return WantsJson(accept) ? JsonText(RenderSentence("told", outcome.told)) : Text(outcome.told);
  return JsonText(RenderFailover(*outcome.failed_over, outcome.told));
}

std::string EntityTagOf(const Answer& answer) {
  const bool is_json = answer.content_type == kJsonType;
  return fmt::format("W/\"{}{}\"", answer.version, is_json ? "-json" : "");
}

bool NamesEntityTag(std::string_view if_none_match, std::string_view entity_tag) {
  // Weak comparison: what stands between the quotes.
  const auto opaque = entity_tag.substr(entity_tag.find('"'));
  const auto first = if_none_match.find_first_not_of(" \t");
  if (first == std::string_view::npos) return false;
  if (if_none_match.substr(first, if_none_match.find_last_not_of(" \t") - first + 1) == "*") return true;
  while (true) {
    const auto open = if_none_match.find('"');
    if (open == std::string_view::npos) return false;
    const auto close = if_none_match.find('"', open + 1);
    if (close == std::string_view::npos) return false;
    if (if_none_match.substr(open, close - open + 1) == opaque) return true;
    if_none_match.remove_prefix(close + 1);
  }
}

bool WantsJson(std::string_view accept) { return FirstType(accept) == kJsonType; }

bool WantsPage(std::string_view accept) { return FirstType(accept) == "text/html"; }

std::optional<Answer> AnswerFor(const Request& request, const Topology& topology) {
  for (const auto& route : kRoutes) {
    const auto group = Match(route.path, request.path);
    if (!group) continue;
    Answer answer = route.answer(request, topology, *group);
    if (route.from_zookeeper && !topology.zookeeper_connected && topology.known_at != TimePoint{}) {
      answer.age = std::chrono::duration_cast<std::chrono::seconds>(request.now - topology.known_at);
    }
    return answer;
  }
  return std::nullopt;
}

}  // namespace redis_zk::watcher::web
