#include "watcher/web/responder.h"

#include <string_view>
#include <utility>

#include "base/random_id.h"
#include "watcher/web/patience.h"

namespace redis_zk::watcher::web {

namespace {

constexpr int kMostStreams = 512;
// Each may take half a minute.
constexpr int kMostAdmin = 8;
constexpr int kUnauthorized = 401;
constexpr int kForbidden = 403;
constexpr int kMisdirected = 421;
constexpr int kTooMany = 429;
// Beyond the session timeout, up to which a lost answer of ZooKeeper can hold the loop; else it goes round at
// least once a second.
constexpr Duration kLoopPatience = 15s;

// A retry in less than a second would be one at once.
std::string RetryAfter(Duration left) {
  return std::to_string(std::chrono::ceil<std::chrono::seconds>(left).count());
}

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
    : sources_(sources), stream_places_(kMostStreams), admin_places_(kMostAdmin) {}

Reply Responder::Respond(const ClientRequest& request) {
  if (!IsAllowedHost(request.host, sources_.policy.allowed_hosts))
    return {Failed(kMisdirected, request.accept, "this host is not among HTTP_ALLOWED_HOSTS")};
  const auto topology = sources_.topology.Get();
  const auto answer = Look(request, *topology);
  const auto admin = AdminAt(request.path);
  if (!answer && !admin) return {Failed(404, request.accept, "no such path; / lists the paths")};
  if (admin && request.method == admin->method) return RunAdmin(request, *admin);
  if (!answer || (request.method != "GET" && request.method != "HEAD"))
    return RefuseMethod(request, answer.has_value(), admin);
  const auto wait = request.query.find("wait");
  const auto patience = ReadPatience(request.in_query("since"),
                                     wait == request.query.end() ? std::nullopt : std::optional(wait->second),
                                     request.asked_at);
  if (!patience) return {Failed(400, request.accept, patience.error().message)};
  if (answer->content_type == kEventStream && request.method == "GET")
    return BeginStream(request, *answer, patience->deadline);
  Reply reply{*answer};
  const bool is_news = answer->version.empty() || answer->version != patience->since;
  const bool in_vain = !request.may_wait || sources_.topology.closed();
  if (!is_news && !in_vain && patience->deadline && Clock::now() < *patience->deadline)
    reply.wait_until = patience->deadline;
  if (!answer->version.empty() && !answer->age && !patience->deadline) reply.follows_from = topology;
  return reply;
}

void Responder::OnNews(const std::function<void()>& wake) const {
  sources_.topology.OnChange(wake);
  sources_.events.history().OnChange(wake);
}

std::optional<Answer> Responder::Look(const ClientRequest& request, const Topology& known) const {
  const TimePoint now = Clock::now();
  const std::string addr = request.in_query("addr");
  const std::string group = request.in_query("group");
  const std::string form = request.in_query("form");
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
                    .form = form,
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
  if (!request.encrypted && !sources_.policy.admin_insecure && !IsLoopback(request.from.host))
    return failed(kForbidden,
                  "admin requests from other machines need TLS (HTTP_TLS_CERT_FILE), or ADMIN_INSECURE=on");
  const auto access = sources_.admin.Check(request.authorization, request.from);
  switch (access.access) {
    case Access::kOff:
      return failed(kForbidden, "the admin API is off; ADMIN_TOKEN_FILE switches it on");
    case Access::kDenied: {
      auto denied =
          failed(kUnauthorized, "expected the header \"Authorization: Bearer TOKEN\" with the right token");
      denied.headers.emplace_back("WWW-Authenticate", "Bearer");
      return denied;
    }
    case Access::kBlocked: {
      auto blocked = failed(kTooMany, "too many wrong admin tokens from this address; retry later");
      blocked.headers.emplace_back("Retry-After", RetryAfter(access.retry_after));
      return blocked;
    }
    case Access::kGranted:
      break;
  }
  const auto place = admin_places_.Take();
  if (!place) return failed(503, "too many admin requests are running; retry later");
  return reply(AnswerOf(
      sources_.admin.Run({.action = route.action,
                          .group = route.group.empty() ? request.in_query("group") : std::string(route.group),
                          .to = request.in_query("to"),
                          .lasts = request.in_query("for"),
                          .reason = request.in_query("reason"),
                          .who = access.who,
                          .from = request.from.ToAddress()}),
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
