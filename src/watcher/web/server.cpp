#include "watcher/web/server.h"

#include <algorithm>
#include <future>
#include <optional>
#include <thread>
#include <utility>

#include "os/descriptors.h"
#include "watcher/web/poller.h"

namespace redis_zk::watcher::web {

namespace {

constexpr std::size_t kMostConnections = 4096;
// OpenSSL keeps 20 KiB for an idle one and 45 KiB for an unfinished handshake: 42 MiB in all at worst, for
// which a container of 64 MiB has room.
constexpr std::size_t kMostTlsConnections = 960;
// For ZooKeeper, Redis, Sentinels, behaviors and files.
constexpr std::size_t kOtherDescriptors = 1024;
constexpr Duration kEndsWithin = 6s;
// An admin request is seen through.
constexpr Duration kAdminPatience = 1min;
constexpr Duration kStopCheck = 100ms;

// The loop's descriptors must not run out.
std::size_t MostConnections(bool tls) {
  const std::size_t most = tls ? kMostTlsConnections : kMostConnections;
  const std::size_t limit = os::RaiseDescriptorLimit(most + kOtherDescriptors);
  return std::min(most, limit - std::min(limit / 2, kOtherDescriptors));
}

}  // namespace

struct Server::Impl {
  explicit Impl(const Sources& sources) : responder(sources) {}

  Responder responder;
  std::optional<Poller> poller;
  std::thread thread;
  std::future<void> ended;
};

Server::Server(const Sources& sources) : impl_(std::make_unique<Impl>(sources)) {}

Server::~Server() {
  if (impl_->poller) impl_->poller->Stop();
  if (impl_->thread.joinable()) impl_->thread.join();
}

redis_zk::Status Server::Start(const Endpoint& listen, const TlsSource* tls) {
  auto listener = Listener::Listen(listen, tls);
  if (!listener) return tl::unexpected(listener.error());
  auto& poller =
      impl_->poller.emplace(impl_->responder, std::move(*listener), MostConnections(tls != nullptr));
  std::promise<void> ended;
  impl_->ended = ended.get_future();
  impl_->thread = std::thread([&poller, ended = std::move(ended)]() mutable {
    poller.Run();
    ended.set_value();
  });
  return {};
}

bool Server::Stop() {
  impl_->poller->Stop();
  const TimePoint start = Clock::now();
  while (impl_->ended.wait_for(kStopCheck) != std::future_status::ready) {
    if (Clock::now() >= start + (impl_->responder.admin_runs() ? kAdminPatience : kEndsWithin)) return false;
  }
  return true;
}

}  // namespace redis_zk::watcher::web
