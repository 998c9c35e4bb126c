#include "watcher/web/server.h"

#include <fmt/format.h>
#include <httplib.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <thread>
#include <utility>

#include "base/random_id.h"
#include "watcher/web/answers.h"
#include "watcher/web/thread_pool.h"

namespace redis_zk::watcher::web {

namespace {

constexpr int kMostConnections = 512;
constexpr Duration kIdleThread = 10s;
constexpr time_t kKeepAliveSeconds = 2;  // stopping waits for it too
constexpr std::size_t kKeepAliveRequests = 1'000'000'000;
constexpr std::size_t kLongestBody = 64 * 1024;
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

void SetAnswer(httplib::Response& response, const Answer& answer) {
  response.status = answer.status;
  // The list changes with the next failover; a cache in between would hide that.
  response.set_header("Cache-Control", "no-cache");
  if (answer.age) response.set_header("Age", std::to_string(answer.age->count()));
  response.set_content(answer.body, answer.content_type.c_str());
}

}  // namespace

struct Server::Impl {
  Impl(const Published<Topology>& published, const std::atomic<Clock::rep>& turned_at)
      : topology(published), loop_turned_at(turned_at) {}

  httplib::Server::HandlerResponse Handle(const httplib::Request& request,
                                          httplib::Response& response) const {
    const TimePoint now = Clock::now();
    const std::string accept = request.get_header_value("Accept");
    const bool alive = now - TimePoint(Clock::duration(loop_turned_at.load())) < kLoopPatience;
    const auto answer = AnswerFor(
        {.path = request.path, .accept = accept, .now = now, .pick = RandomIndex, .loop_alive = alive},
        *topology.Get());
    if (!answer) {
      SetAnswer(response, {.status = 404, .body = "no such path; / lists those there are"});
    } else if (request.method != "GET" && request.method != "HEAD") {
      response.set_header("Allow", "GET, HEAD");
      SetAnswer(response, {.status = 405, .body = "only GET and HEAD"});
    } else {
      SetAnswer(response, *answer);
    }
    return httplib::Server::HandlerResponse::Handled;
  }

  const Published<Topology>& topology;
  const std::atomic<Clock::rep>& loop_turned_at;
  httplib::Server http;
  std::thread acceptor;
};

Server::Server(const Published<Topology>& topology, const std::atomic<Clock::rep>& loop_turned_at)
    : impl_(std::make_unique<Impl>(topology, loop_turned_at)) {}

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
