#include "watcher/web/responder.h"

#include <string_view>
#include <utility>

#include "base/random_id.h"
#include "watcher/web/patience.h"

namespace redis_zk::watcher::web {

namespace {

// Half of the connections that the server takes.
constexpr int kMostWaiting = 256;
constexpr int kMostStreams = 64;
// Each may take half a minute.
constexpr int kMostAdmin = 8;
constexpr int kUnauthorized = 401;
constexpr int kForbidden = 403;
// Beyond the session timeout, up to which a lost answer of ZooKeeper can hold the loop; else it goes round at
// least once a second.
constexpr Duration kLoopPatience = 15s;

Reply RefuseMethod(const ClientRequest& request, bool readable, const std::optional<AdminRoute>& admin) {
  std::string methods = readable ? "GET, HEAD" : "";
  if (admin) methods += (methods.empty() ? "" : ", ") + std::string(admin->method);
  const std::string named = admin ? methods : "GET and HEAD";
  return {.answer = Failed(405, request.accept, "only " + named), .headers = {{"Allow", methods}}};
}

}  // namespace

std::string ClientRequest::in_query(const std::string& name) const {
  const auto found = query.find(name);
  return found == query.end() ? "" : found->second;
}

Responder::Responder(const Sources& sources)
    : sources_(sources),
      waiting_places_(kMostWaiting),
      stream_places_(kMostStreams),
      admin_places_(kMostAdmin) {}

Reply Responder::Respond(const ClientRequest& request) {
  const auto& topology = sources_.topology;
  auto known = topology.Get();
  auto answer = Look(request, *known);
  const auto admin = AdminAt(request.path);
  if (!answer && !admin) return {Failed(404, request.accept, "no such path; / lists the paths")};
  if (admin && request.method == admin->method) return RunAdmin(request, *admin);
  if (!answer || (request.method != "GET" && request.method != "HEAD"))
    return RefuseMethod(request, answer.has_value(), admin);
  const auto wait = request.query.find("wait");
  const auto patience =
      ReadPatience(request.in_query("since"),
                   wait == request.query.end() ? std::nullopt : std::optional(wait->second), Clock::now());
  if (!patience) return {Failed(400, request.accept, patience.error().message)};
  if (answer->content_type == kEventStream && request.method == "GET")
    return BeginStream(request, *answer, patience->deadline);
  const auto is_news = [&] { return answer->version.empty() || answer->version != patience->since; };
  if (is_news() || !patience->deadline) return {*answer};
  const auto place = waiting_places_.Take();
  while (!is_news() && place && Clock::now() < *patience->deadline && !topology.closed()) {
    known = topology.GetNext(known, *patience->deadline);
    answer = Look(request, *known);
  }
  return {*answer};
}

std::optional<Answer> Responder::Look(const ClientRequest& request, const Topology& known) const {
  const TimePoint now = Clock::now();
  const std::string addr = request.in_query("addr");
  const std::string group = request.in_query("group");
  const bool alive = now - TimePoint(Clock::duration(sources_.loop_turned_at.load())) <
                     kLoopPatience + sources_.session_timeout;
  const auto status = sources_.status.Get();
  const auto history = sources_.events.history().Get();
  const auto counters = sources_.events.counters().Get();
  const auto figures = sources_.figures.Get();
  return AnswerFor({.path = request.path,
                    .accept = request.accept,
                    .addr = addr,
                    .group = group,
                    .now = now,
                    .pick = RandomIndex,
                    .loop_alive = alive,
                    .status = status.get(),
                    .history = history.get(),
                    .behaviors = [this] { return sources_.behaviors.Statuses(); },
                    .counters = counters.get(),
                    .requests = &counts_,
                    .figures = figures.get()},
                   known);
}

Reply Responder::RunAdmin(const ClientRequest& request, const AdminRoute& route) {
  const auto reply = [](Answer answer) {
    answer.cache_control = "no-store";
    return Reply{.answer = std::move(answer)};
  };
  const auto failed = [&](int status, std::string why) {
    return reply(Failed(status, request.accept, std::move(why)));
  };
  switch (sources_.admin.Check(request.authorization, request.from)) {
    case Access::kOff:
      return failed(kForbidden, "the admin API is off; ADMIN_TOKEN_FILE switches it on");
    case Access::kDenied: {
      auto denied =
          failed(kUnauthorized, "expected the header \"Authorization: Bearer TOKEN\" with the right token");
      denied.headers.emplace_back("WWW-Authenticate", "Bearer");
      return denied;
    }
    case Access::kGranted:
      break;
  }
  const auto place = admin_places_.Take();
  if (!place) return failed(503, "too many admin requests are running; retry later");
  return reply(AnswerOf(sources_.admin.Run({.action = route.action,
                                            .group = std::string(route.group),
                                            .to = request.in_query("to"),
                                            .reason = request.in_query("reason"),
                                            .from = request.from}),
                        request.accept));
}

Reply Responder::BeginStream(const ClientRequest& request, Answer answer, std::optional<TimePoint> ends_at) {
  auto place = stream_places_.Take();
  if (!place) return {Failed(503, kEventStream, "too many streams are open")};
  // A browser cannot send the header at first, so the query's `since` says the same.
  auto heard = request.last_event_id;
  if (!heard && request.query.contains("since")) heard = request.in_query("since");
  return {.answer = std::move(answer),
          .stream = std::make_shared<EventStream>(sources_.events, std::move(*place), heard, ends_at)};
}

}  // namespace redis_zk::watcher::web
