#include "watcher/web/answers.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace redis_zk::watcher::web {

namespace {

using Json = nlohmann::ordered_json;

constexpr int kUnavailable = 503;

Json ToJson(const Endpoint& endpoint) { return {{"host", endpoint.host}, {"port", endpoint.port}}; }

Answer Text(std::string body) { return {.body = std::move(body)}; }
Answer JsonText(const Json& json) { return {.content_type = "application/json", .body = json.dump()}; }

Answer Unavailable(const Request& request, std::string why) {
  Answer answer = WantsJson(request.accept) ? JsonText({{"error", why}}) : Text(std::move(why));
  answer.status = kUnavailable;
  return answer;
}

Answer Sentinels(const Request& request, const Topology& topology) {
  if (topology.sentinels.empty()) return Unavailable(request, "no Sentinel is registered");
  Json list = Json::array();
  std::string text;
  for (const auto& sentinel : topology.sentinels) {
    text += (text.empty() ? "" : ",") + sentinel.endpoint.ToAddress();
    list.push_back(ToJson(sentinel.endpoint));
  }
  return WantsJson(request.accept) ? JsonText({{"sentinels", list}}) : Text(text);
}

Answer Sentinel(const Request& request, const Topology& topology) {
  if (topology.sentinels.empty()) return Unavailable(request, "no Sentinel is registered");
  const Endpoint& chosen = topology.sentinels[request.pick(topology.sentinels.size())].endpoint;
  return WantsJson(request.accept) ? JsonText({{"sentinel", ToJson(chosen)}}) : Text(chosen.ToRecord());
}

Answer Master(const Request& request, const Topology& topology) {
  const auto group = topology.groups.find(topology.default_group);
  if (group == topology.groups.end() || group->second.state != registry::Record::State::kMaster) {
    return Unavailable(request, "no master is recorded");
  }
  const auto& record = group->second;
  if (!WantsJson(request.accept)) return Text(record.master.ToRecord());
  return JsonText({{"name", group->first}, {"master", ToJson(record.master)}, {"epoch", record.epoch}});
}

Answer Home(const Request& /*request*/, const Topology& /*topology*/) {
  return Text("redis-zk watcher: /sentinels /sentinel /master /healthz /readyz");
}

Answer Healthz(const Request& request, const Topology& /*topology*/) {
  return request.loop_alive ? Text("ok") : Unavailable(request, "the watcher's loop has stopped turning");
}

Answer Readyz(const Request& request, const Topology& topology) {
  if (!topology.zookeeper_connected) return Unavailable(request, "ZooKeeper is not connected");
  if (topology.sentinels.empty()) return Unavailable(request, "no Sentinel is registered");
  if (!topology.following) return Unavailable(request, "no Sentinel is followed");
  return Text("ready");
}

struct Route {
  std::string_view path;
  Answer (*answer)(const Request&, const Topology&);
  bool from_zookeeper;  // the answer ages while ZooKeeper is away
};

constexpr std::array<Route, 6> kRoutes{{{"/sentinels", Sentinels, true},
                                        {"/sentinel", Sentinel, true},
                                        {"/master", Master, true},
                                        {"/", Home, false},
                                        {"/healthz", Healthz, false},
                                        {"/readyz", Readyz, false}}};

}  // namespace

bool WantsJson(std::string_view accept) {
  // The first type that we have decides; "*/*" and everything unknown mean text, which the original's clients
  // expect.
  while (!accept.empty()) {
    const auto comma = accept.find(',');
    std::string_view type = accept.substr(0, comma);
    type = type.substr(0, type.find(';'));
    const auto first = type.find_first_not_of(' ');
    const auto last = type.find_last_not_of(' ');
    if (first != std::string_view::npos) {
      type = type.substr(first, last - first + 1);
      if (type == "application/json") return true;
      if (type.starts_with("text/")) return false;
    }
    if (comma == std::string_view::npos) break;
    accept.remove_prefix(comma + 1);
  }
  return false;
}

std::optional<Answer> AnswerFor(const Request& request, const Topology& topology) {
  const auto route = std::find_if(kRoutes.begin(), kRoutes.end(), [&request](const Route& candidate) {
    return candidate.path == request.path;
  });
  if (route == kRoutes.end()) return std::nullopt;
  Answer answer = route->answer(request, topology);
  if (route->from_zookeeper && !topology.zookeeper_connected && topology.known_at != TimePoint{}) {
    answer.age = std::chrono::duration_cast<std::chrono::seconds>(request.now - topology.known_at);
  }
  return answer;
}

}  // namespace redis_zk::watcher::web
