#include "watcher/web/server.h"

#include <fmt/core.h>
#include <httplib.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <future>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>

#include "base/printable.h"
#include "base/random_id.h"
#include "options/parsers.h"
#include "watcher/web/answers.h"
#include "watcher/web/json.h"
#include "watcher/web/thread_pool.h"

namespace redis_zk::watcher::web {

namespace {

constexpr int kMostConnections = 512;
constexpr Duration kIdleThread = 10s;
constexpr Duration kStopCheck = 100ms;
constexpr time_t kKeepAliveSeconds = 2;  // stopping waits for it too
constexpr std::size_t kKeepAliveRequests = 1'000'000'000;
constexpr std::size_t kLongestBody = 64 * 1024;
// A client that waits can leave unnoticed.
constexpr Duration kLongestWait = 1min;
constexpr int kMostWaiting = kMostConnections / 2;
constexpr int kMostStreams = 64;
// Proxies close what is silent; and it is how a client that left without a word is noticed.
constexpr Duration kHeartbeat = 15s;
constexpr Duration kStreamTurn = 1s;
constexpr int kNotModified = 304;
constexpr int kUnauthorized = 401;
constexpr int kForbidden = 403;
// Each may take half a minute.
constexpr int kMostAdmin = 8;
// The page is one file that asks this watcher alone.
constexpr const char* kPagePolicy =
    "default-src 'none'; connect-src 'self'; img-src data:; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
// Beyond the session timeout, up to which a lost answer of ZooKeeper can hold the loop; else it goes round at
// least once a second.
constexpr Duration kLoopPatience = 15s;
// A client that sends its request a byte at a time holds its thread for as long as it likes.
constexpr Duration kStopPatience = 4s;
// An admin request is seen through.
constexpr Duration kAdminPatience = 1min;

// enqueue returns void in cpp-httplib 0.11 and bool in 0.18.
using Enqueued = decltype(std::declval<httplib::TaskQueue&>().enqueue({}));

// Lets the acceptor wait while all threads are busy: who is not accepted yet costs no descriptor, and those
// of the loop must not run out.
class PoolQueue : public httplib::TaskQueue {
 public:
  explicit PoolQueue(const std::atomic<bool>& stopping) : stopping_(stopping) {}

  Enqueued enqueue(std::function<void()> work) override {
    while (!free_.try_acquire_for(kStopCheck) && !stopping_) continue;
    pool_->Run([this, work = std::move(work)] {
      work();
      free_.release();
    });
    return Enqueued(true);
  }
  void shutdown() override { pool_.reset(); }

 private:
  const std::atomic<bool>& stopping_;
  std::counting_semaphore<> free_{kMostConnections};
  std::unique_ptr<ThreadPool> pool_ = std::make_unique<ThreadPool>(kMostConnections, kIdleThread);
};

// What the query says of waiting: `since`, the version that is known already, and `wait`, for how long.
struct Patience {
  std::string since;
  TimePoint deadline;
};

Result<Patience> PatienceOf(const httplib::Request& request, TimePoint now) {
  Patience patience{.since = request.get_param_value("since"), .deadline = now};
  if (!request.has_param("wait")) return patience;
  const std::string text = request.get_param_value("wait");
  const auto wait = DurationBetween(0ms, kLongestWait)(text);
  if (!wait) {
    return Fail(ErrorKind::kInvalid,
                fmt::format("wait: found \"{}\", expected {}", Printable(text), wait.error().message));
  }
  patience.deadline = now + *wait;
  return patience;
}

void SetHeaders(httplib::Response& response, const Answer& answer) {
  response.status = answer.status;
  // The list changes with the next failover; a cache in between would hide that.
  response.set_header("Cache-Control", answer.cache_control);
  response.set_header("Vary", "Accept, Accept-Encoding");
  if (answer.content_type == kPageType) response.set_header("Content-Security-Policy", kPagePolicy);
  if (answer.age) response.set_header("Age", std::to_string(answer.age->count()));
  if (answer.status == 200 && !answer.version.empty()) response.set_header("ETag", EntityTagOf(answer));
}

// What it says is nothing to us, of any method.
constexpr const char* kAnyPath = R"([\s\S]*)";

bool HasBody(const httplib::Request& request) {
  return request.has_header("Transfer-Encoding") ||
         (request.has_header("Content-Length") && request.get_header_value("Content-Length") != "0");
}

// A list may come in several headers.
bool KnowsAlready(const httplib::Request& request, const std::string& entity_tag) {
  const auto headers = request.headers.equal_range("If-None-Match");
  return !entity_tag.empty() && std::any_of(headers.first, headers.second, [&entity_tag](const auto& header) {
    return NamesEntityTag(header.second, entity_tag);
  });
}

// Whether the library reads a body with this method.
bool TakesBody(const httplib::Request& request) {
  static constexpr std::array<std::string_view, 4> kMethods{"POST", "PUT", "PATCH", "DELETE"};
  return std::find(kMethods.begin(), kMethods.end(), request.method) != kMethods.end();
}

// Counts those who occupy a thread for long: the others must not run out of them.
class Place {
 public:
  Place(std::atomic<int>& count, int most) : count_(count), allowed_(++count <= most) {}
  ~Place() { --count_; }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  bool allowed() const { return allowed_; }

 private:
  std::atomic<int>& count_;
  const bool allowed_;
};

// One client of /events.
class Stream {
 public:
  // With the id that it heard last, it is told what it missed; without one, what happens from now on. A
  // browser cannot send the header at first, so the query's `since` says the same.
  Stream(const httplib::Request& request, std::atomic<int>& count, const RecentEvents& log)
      : place_(count, kMostStreams), log_(log), history_(log.history().Get()) {
    if (request.has_param("wait")) ends_at_ = PatienceOf(request, Clock::now()).value_or(Patience{}).deadline;
    if (request.has_header("Last-Event-ID")) {
      told_ = log_.NumberOf(request.get_header_value("Last-Event-ID"));
    } else if (request.has_param("since")) {
      told_ = log_.NumberOf(request.get_param_value("since"));
    } else if (!history_->empty()) {
      told_ = history_->back().number;
    }
  }

  bool allowed() const { return place_.allowed(); }

  // Sends what is new, or a sign of life; called again and again until the sink is done.
  bool Continue(httplib::DataSink& sink) {
    const TimePoint now = Clock::now();
    std::string text = std::exchange(text_, "");
    for (const auto& event : *history_) {
      if (event.number > told_) text += RenderEvent(event);
    }
    if (!history_->empty()) told_ = std::max(told_, history_->back().number);
    if (text.empty() && now >= heartbeat_at_) text = ":\n\n";
    if (!text.empty()) {
      heartbeat_at_ = now + kHeartbeat;
      if (!sink.write(text.data(), text.size())) return false;
    }
    if (log_.history().closed() || now >= ends_at_) {
      sink.done();
    } else {
      history_ = log_.history().GetNext(history_, std::min({heartbeat_at_, ends_at_, now + kStreamTurn}));
    }
    return true;
  }

 private:
  const Place place_;
  const RecentEvents& log_;
  std::string text_ = "retry: 1000\n\n";  // the headers leave with it
  std::shared_ptr<const History> history_;
  std::uint64_t told_ = 0;
  TimePoint heartbeat_at_{};
  TimePoint ends_at_ = TimePoint::max();
};

}  // namespace

struct Server::Impl {
  explicit Impl(const Sources& from) : sources(from) {}

  // Answers, and closes the connection: an unread body would be taken for the next request.
  httplib::Server::HandlerResponse Refuse(const httplib::Request& request,
                                          httplib::Response& response) const {
    const auto answer = Failed(400, request.get_header_value("Accept"),
                               fmt::format("found a body with {}, expected none", Printable(request.method)));
    SetHeaders(response, answer);
    response.set_content_provider(answer.body.size(), answer.content_type,
                                  [body = answer.body](std::size_t, std::size_t, httplib::DataSink& sink) {
                                    sink.write(body.data(), body.size());
                                    return false;
                                  });
    return httplib::Server::HandlerResponse::Handled;
  }

  httplib::Server::HandlerResponse Handle(const httplib::Request& request,
                                          httplib::Response& response) const {
    Answer answer = Find(request, response);
    std::shared_ptr<Stream> stream;
    if (answer.content_type == kEventStream && request.method == "GET") {
      stream = std::make_shared<Stream>(request, stream_count, sources.events);
      if (!stream->allowed()) answer = Failed(503, kEventStream, "too many streams are open");
    }
    SetHeaders(response, answer);
    if (stream && stream->allowed()) {
      response.set_chunked_content_provider(
          kEventStream, [stream](std::size_t, httplib::DataSink& sink) { return stream->Continue(sink); });
    } else {
      response.set_content(answer.body, answer.content_type);
    }
    if (KnowsAlready(request, response.get_header_value("ETag"))) {
      response.status = kNotModified;
      response.body.clear();
    }
    return httplib::Server::HandlerResponse::Handled;
  }

  Answer Find(const httplib::Request& request, httplib::Response& response) const {
    const auto& topology = sources.topology;
    auto known = topology.Get();
    auto answer = Look(request, *known);
    const auto admin = AdminAt(request.path);
    const auto failed = [accept = request.get_header_value("Accept")](int code, std::string why) {
      return Failed(code, accept, std::move(why));
    };
    if (!answer && !admin) return failed(404, "no such path; / lists the paths");
    if (admin && request.method == admin->method) return RunAdmin(request, *admin, response);
    if (!answer || (request.method != "GET" && request.method != "HEAD")) {
      const std::string known_methods = answer ? "GET, HEAD" : "";
      const std::string more = admin ? std::string(admin->method) : "";
      const char* const between = answer && admin ? ", " : "";
      response.set_header("Allow", known_methods + between + more);
      if (!admin) return failed(405, "only GET and HEAD");
      return failed(405, "only " + known_methods + between + more);
    }
    const auto patience = PatienceOf(request, Clock::now());
    if (!patience) return failed(400, patience.error().message);
    const auto is_news = [&] { return answer->version.empty() || answer->version != patience->since; };
    if (is_news()) return *answer;
    const Place waiting(waiting_count, kMostWaiting);
    while (!is_news() && waiting.allowed() && Clock::now() < patience->deadline && !topology.closed()) {
      known = topology.GetNext(known, patience->deadline);
      answer = Look(request, *known);
    }
    return *answer;
  }

  Answer RunAdmin(const httplib::Request& request, const AdminRoute& route,
                  httplib::Response& response) const {
    const std::string accept = request.get_header_value("Accept");
    const std::string from =
        Endpoint{request.remote_addr, static_cast<std::uint16_t>(request.remote_port)}.ToAddress();
    const auto failed = [&accept](int status, std::string why) {
      Answer answer = Failed(status, accept, std::move(why));
      answer.cache_control = "no-store";
      return answer;
    };
    switch (sources.admin.Check(request.get_header_value("Authorization"), from)) {
      case Access::kOff:
        return failed(kForbidden, "the admin API is off; ADMIN_TOKEN_FILE switches it on");
      case Access::kDenied:
        response.set_header("WWW-Authenticate", "Bearer");
        return failed(kUnauthorized,
                      "expected the header \"Authorization: Bearer TOKEN\" with the right token");
      case Access::kGranted:
        break;
    }
    const Place place(admin_count, kMostAdmin);
    if (!place.allowed()) return failed(503, "too many admin requests are running; retry later");
    Answer answer = AnswerOf(sources.admin.Run({.action = route.action,
                                                .group = std::string(route.group),
                                                .to = request.get_param_value("to"),
                                                .reason = request.get_param_value("reason"),
                                                .from = from}),
                             accept);
    answer.cache_control = "no-store";
    return answer;
  }

  std::optional<Answer> Look(const httplib::Request& request, const Topology& known) const {
    const TimePoint now = Clock::now();
    const std::string accept = request.get_header_value("Accept");
    const std::string addr = request.get_param_value("addr");
    const std::string group = request.get_param_value("group");
    const bool alive = now - TimePoint(Clock::duration(sources.loop_turned_at.load())) <
                       kLoopPatience + sources.session_timeout;
    const auto status = sources.status.Get();
    const auto history = sources.events.history().Get();
    const auto counters = sources.events.counters().Get();
    const auto figures = sources.figures.Get();
    return AnswerFor({.path = request.path,
                      .accept = accept,
                      .addr = addr,
                      .group = group,
                      .now = now,
                      .pick = RandomIndex,
                      .loop_alive = alive,
                      .status = status.get(),
                      .history = history.get(),
                      .behaviors = [this] { return sources.behaviors.Statuses(); },
                      .counters = counters.get(),
                      .requests = &counts,
                      .figures = figures.get()},
                     known);
  }

  const Sources sources;
  RequestCounts counts;
  mutable std::atomic<int> waiting_count = 0;
  mutable std::atomic<int> stream_count = 0;
  mutable std::atomic<int> admin_count = 0;
  std::atomic<bool> stopping = false;
  httplib::Server http;
  std::thread acceptor;
  std::future<void> ended;
};

Server::Server(const Sources& sources) : impl_(std::make_unique<Impl>(sources)) {}

Server::~Server() {
  impl_->stopping = true;
  impl_->http.stop();
  if (impl_->acceptor.joinable()) impl_->acceptor.join();
}

bool Server::Stop() {
  impl_->stopping = true;
  impl_->http.stop();
  const TimePoint start = Clock::now();
  while (impl_->ended.wait_for(kStopCheck) != std::future_status::ready) {
    const TimePoint now = Clock::now();
    if (now >= start + (impl_->admin_count > 0 ? kAdminPatience : kStopPatience)) return false;
  }
  return true;
}

Status Server::Start(const Endpoint& listen) {
  auto& http = impl_->http;
  http.new_task_queue = [this] { return new PoolQueue(impl_->stopping); };
  http.set_tcp_nodelay(true);
  // The default also sets SO_REUSEPORT, with which a second server takes half of the requests without an
  // error.
  socket_t listener = INVALID_SOCKET;
  http.set_socket_options([&listener](socket_t socket) {
    const int on = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    listener = socket;
  });
  http.set_keep_alive_timeout(kKeepAliveSeconds);
  http.set_keep_alive_max_count(kKeepAliveRequests);
  http.set_payload_max_length(kLongestBody);
  // Called for all answers, also for what the library itself refuses.
  http.set_logger([this](const httplib::Request&, const httplib::Response& response) {
    impl_->counts.Add(response.status);
  });
  http.set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
    // A part of an answer is of no use, and the library repeats it as often as the header asks for it,
    // without the status of a partial answer. It hands over a request of its own that is not const.
    const_cast<httplib::Request&>(request).ranges.clear();
    // What is not read would be taken for the next request; the handlers below read it.
    if (HasBody(request) && TakesBody(request)) return httplib::Server::HandlerResponse::Unhandled;
    if (HasBody(request)) return impl_->Refuse(request, response);
    return impl_->Handle(request, response);
  });
  const auto handle = [this](const httplib::Request& request, httplib::Response& response,
                             const httplib::ContentReader& read) {
    const bool whole = read([](const char*, std::size_t) { return true; });
    if (whole) impl_->Handle(request, response);
  };
  http.Post(kAnyPath, handle);
  http.Put(kAnyPath, handle);
  http.Patch(kAnyPath, handle);
  http.Delete(kAnyPath, handle);
  if (!http.bind_to_port(listen.host, listen.port)) {
    return Fail(
        ErrorKind::kInvalid,
        fmt::format("cannot listen on {}: it is in use or not an address of this host", listen.ToAddress()));
  }
  // The library lets five connections wait to be accepted. The kernel drops the sixth, and its client tries
  // again only after a second; listening again on the same socket raises that number.
  ::listen(listener, kMostConnections);
  std::promise<void> ended;
  impl_->ended = ended.get_future();
  impl_->acceptor = std::thread([&http, ended = std::move(ended)]() mutable {
    http.listen_after_bind();
    ended.set_value();
  });
  // stop() before the acceptor runs would be forgotten.
  while (!http.is_running()) std::this_thread::yield();
  return {};
}

}  // namespace redis_zk::watcher::web
