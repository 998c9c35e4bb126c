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
#include "watcher/web/answers.h"
#include "watcher/web/thread_pool.h"

namespace redis_zk::watcher::web {

namespace {

constexpr int kMostConnections = 512;
constexpr Duration kIdleThread = 10s;
constexpr Duration kStopCheck = 100ms;
constexpr time_t kKeepAliveSeconds = 2;  // stopping waits for it too
constexpr std::size_t kKeepAliveRequests = 1'000'000'000;
constexpr std::size_t kLongestBody = 64 * 1024;
constexpr int kNotModified = 304;
// The page is one file that asks this watcher alone.
constexpr const char* kPagePolicy =
    "default-src 'none'; connect-src 'self'; img-src data:; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
// A client that sends its request a byte at a time holds its thread for as long as it likes.
constexpr Duration kStopPatience = 4s;
// An admin request is seen through.
constexpr Duration kAdminPatience = 1min;

// enqueue returns void in cpp-httplib 0.11 and bool in 0.18.
using Enqueued = decltype(std::declval<httplib::TaskQueue&>().enqueue({}));

// Lets the acceptor wait while all threads are busy: a client that is not accepted yet costs no descriptor,
// and the loop's descriptors must not run out.
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

ClientRequest ToClientRequest(const httplib::Request& request) {
  ClientRequest asked{
      .method = request.method,
      .path = request.path,
      .query = {},
      .accept = request.get_header_value("Accept"),
      .authorization = request.get_header_value("Authorization"),
      .last_event_id = std::nullopt,
      .from = Endpoint{request.remote_addr, static_cast<std::uint16_t>(request.remote_port)}.ToAddress()};
  if (request.has_header("Last-Event-ID")) asked.last_event_id = request.get_header_value("Last-Event-ID");
  for (const auto& [name, value] : request.params) asked.query.emplace(name, value);
  return asked;
}

// Called again and again until the sink is done. False: the client has left.
bool Continue(EventStream& stream, httplib::DataSink& sink) {
  const TimePoint now = Clock::now();
  const std::string text = stream.Take(now);
  if (!text.empty() && !sink.write(text.data(), text.size())) return false;
  if (stream.IsOver(now)) {
    sink.done();
  } else {
    stream.AwaitMore(now);
  }
  return true;
}

}  // namespace

struct Server::Impl {
  explicit Impl(const Sources& sources) : responder(sources) {}

  // Answers, and closes the connection: an unread body would be taken for the next request.
  static httplib::Server::HandlerResponse Refuse(const httplib::Request& request,
                                                 httplib::Response& response) {
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

  httplib::Server::HandlerResponse Handle(const httplib::Request& request, httplib::Response& response) {
    const Reply reply = responder.Respond(ToClientRequest(request));
    SetHeaders(response, reply.answer);
    for (const auto& [name, value] : reply.headers) response.set_header(name, value);
    if (reply.stream) {
      response.set_chunked_content_provider(
          kEventStream,
          [stream = reply.stream](std::size_t, httplib::DataSink& sink) { return Continue(*stream, sink); });
    } else {
      response.set_content(reply.answer.body, reply.answer.content_type);
    }
    if (KnowsAlready(request, response.get_header_value("ETag"))) {
      response.status = kNotModified;
      response.body.clear();
    }
    return httplib::Server::HandlerResponse::Handled;
  }

  Responder responder;
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
    if (now >= start + (impl_->responder.admin_runs() ? kAdminPatience : kStopPatience)) return false;
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
    impl_->responder.Count(response.status);
  });
  http.set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
    // A part of an answer is of no use, and the library repeats it as often as the header asks for it,
    // without the status of a partial answer. It hands over a request of its own that is not const.
    const_cast<httplib::Request&>(request).ranges.clear();
    // What is not read would be taken for the next request; the handlers below read it.
    if (HasBody(request) && TakesBody(request)) return httplib::Server::HandlerResponse::Unhandled;
    if (HasBody(request)) return Impl::Refuse(request, response);
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
