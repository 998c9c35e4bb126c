#include "watcher/web/server.h"

#include <fmt/format.h>
#include <httplib.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <algorithm>
#include <string>
#include <thread>
#include <utility>

#include "base/random_id.h"
#include "base/shown.h"
#include "config/parsers.h"
#include "watcher/web/answers.h"
#include "watcher/web/json.h"
#include "watcher/web/thread_pool.h"

namespace redis_zk::watcher::web {

namespace {

constexpr int kMostConnections = 512;
constexpr Duration kIdleThread = 10s;
constexpr time_t kKeepAliveSeconds = 2;  // stopping waits for it too
constexpr std::size_t kKeepAliveRequests = 1'000'000'000;
constexpr std::size_t kLongestBody = 64 * 1024;
constexpr Duration kLongestWait = 5min;
constexpr int kMostWaiting = kMostConnections / 2;
constexpr int kMostStreams = 64;
// Proxies close what is silent; and it is how a client that left without a word is noticed.
constexpr Duration kHeartbeat = 15s;
constexpr Duration kStreamTurn = 1s;
constexpr int kNotModified = 304;
// The page is one file that asks nobody but us.
constexpr const char* kPagePolicy =
    "default-src 'none'; connect-src 'self'; img-src data:; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
// The loop goes round at least once a second.
constexpr Duration kLoopPatience = 15s;

// enqueue returns void in cpp-httplib 0.11 and bool in 0.18.
using Enqueued = decltype(std::declval<httplib::TaskQueue&>().enqueue({}));

class PoolQueue : public httplib::TaskQueue {
 public:
  Enqueued enqueue(std::function<void()> work) override {
    pool_->Run(std::move(work));
    return Enqueued(true);
  }
  void shutdown() override { pool_.reset(); }

 private:
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
                fmt::format("wait: found \"{}\", expected {}", Shown(text), wait.error().message));
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
  if (answer.status == 200 && !answer.version.empty())
    response.set_header("ETag", fmt::format("W/\"{}\"", answer.version));
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
  Stream(const httplib::Request& request, std::atomic<int>& count, const EventLog& log)
      : place_(count, kMostStreams), log_(log), history_(log.history().Get()) {
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
    if (log_.history().closed()) {
      sink.done();
    } else {
      history_ = log_.history().GetNext(history_, std::min(heartbeat_at_, now + kStreamTurn));
    }
    return true;
  }

 private:
  const Place place_;
  const EventLog& log_;
  std::string text_ = "retry: 1000\n\n";  // the headers leave with it
  std::shared_ptr<const History> history_;
  std::uint64_t told_ = 0;
  TimePoint heartbeat_at_{};
};

}  // namespace

struct Server::Impl {
  explicit Impl(const Sources& from) : sources(from) {}

  httplib::Server::HandlerResponse Handle(const httplib::Request& request,
                                          httplib::Response& response) const {
    Answer answer = Find(request, response);
    std::shared_ptr<Stream> stream;
    if (answer.content_type == kEventStream && request.method == "GET") {
      stream = std::make_shared<Stream>(request, stream_count, sources.events);
      if (!stream->allowed()) answer = {.status = 503, .body = "too many streams are open"};
    }
    SetHeaders(response, answer);
    if (stream && stream->allowed()) {
      response.set_chunked_content_provider(
          kEventStream, [stream](std::size_t, httplib::DataSink& sink) { return stream->Continue(sink); });
    } else {
      response.set_content(answer.body, answer.content_type);
    }
    if (!response.get_header_value("ETag").empty() &&
        request.get_header_value("If-None-Match") == response.get_header_value("ETag")) {
      response.status = kNotModified;
      response.body.clear();
    }
    return httplib::Server::HandlerResponse::Handled;
  }

  Answer Find(const httplib::Request& request, httplib::Response& response) const {
    const auto& topology = sources.topology;
    auto known = topology.Get();
    auto answer = Look(request, *known);
    if (!answer) return {.status = 404, .body = "no such path; / lists those there are"};
    if (request.method != "GET" && request.method != "HEAD") {
      response.set_header("Allow", "GET, HEAD");
      return {.status = 405, .body = "only GET and HEAD"};
    }
    const auto patience = PatienceOf(request, Clock::now());
    if (!patience) return {.status = 400, .body = patience.error().message};
    const auto is_news = [&] { return answer->version.empty() || answer->version != patience->since; };
    if (is_news()) return *answer;
    const Place waiting(waiting_count, kMostWaiting);
    while (!is_news() && waiting.allowed() && Clock::now() < patience->deadline && !topology.closed()) {
      known = topology.GetNext(known, patience->deadline);
      answer = Look(request, *known);
    }
    return *answer;
  }

  std::optional<Answer> Look(const httplib::Request& request, const Topology& known) const {
    const TimePoint now = Clock::now();
    const std::string accept = request.get_header_value("Accept");
    const std::string addr = request.get_param_value("addr");
    const bool alive = now - TimePoint(Clock::duration(sources.loop_turned_at.load())) < kLoopPatience;
    const auto status = sources.status.Get();
    const auto history = sources.events.history().Get();
    const auto tally = sources.events.tally().Get();
    return AnswerFor({.path = request.path,
                      .accept = accept,
                      .addr = addr,
                      .now = now,
                      .pick = RandomIndex,
                      .loop_alive = alive,
                      .status = status.get(),
                      .history = history.get(),
                      .behaviors = [this] { return sources.behaviors.Statuses(); },
                      .tally = tally.get(),
                      .requests = &counts},
                     known);
  }

  const Sources sources;
  RequestCounts counts;
  mutable std::atomic<int> waiting_count = 0;
  mutable std::atomic<int> stream_count = 0;
  httplib::Server http;
  std::thread acceptor;
};

Server::Server(const Sources& sources) : impl_(std::make_unique<Impl>(sources)) {}

Server::~Server() {
  impl_->http.stop();
  if (impl_->acceptor.joinable()) impl_->acceptor.join();
}

Status Server::Start(const Endpoint& listen) {
  auto& http = impl_->http;
  http.new_task_queue = [] { return new PoolQueue; };
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
    return impl_->Handle(request, response);
  });
  if (!http.bind_to_port(listen.host, listen.port)) {
    return Fail(ErrorKind::kInvalid, fmt::format("cannot listen on {}", listen.ToAddress()));
  }
  // The library lets five connections wait to be accepted. The kernel drops the sixth, and its client tries
  // again only after a second; listening again on the same socket raises that number.
  ::listen(listener, kMostConnections);
  impl_->acceptor = std::thread([&http] { http.listen_after_bind(); });
  // stop() before the acceptor runs would be forgotten.
  while (!http.is_running()) std::this_thread::yield();
  return {};
}

}  // namespace redis_zk::watcher::web
