#include "support/proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <list>
#include <stdexcept>
#include <vector>

namespace redis_zk::testing {

namespace {

sockaddr_in Loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

struct Link {
  int client;
  int server;
};

// Passes what waits at `from` on, and counts it where asked to; false when that end has closed.
bool Pass(int from, int to, bool lose, std::atomic<std::size_t>* count = nullptr) {
  std::array<char, 65536> bytes{};
  const ssize_t length = recv(from, bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (length <= 0) return length < 0 && (errno == EAGAIN || errno == EINTR);
  if (count != nullptr) *count += static_cast<std::size_t>(length);
  if (lose) return true;
  return send(to, bytes.data(), static_cast<std::size_t>(length), MSG_NOSIGNAL) == length;
}

}  // namespace

Proxy::Proxy(const Endpoint& server, std::uint16_t port)
    : server_(server),
      listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  auto address = Loopback(port);
  socklen_t length = sizeof address;
  const int on = 1;
  setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), length) != 0 || listen(listener_, 16) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    throw std::runtime_error("the proxy cannot listen");
  }
  endpoint_ = {"127.0.0.1", ntohs(address.sin_port)};
  thread_ = std::thread(&Proxy::Run, this);
}

Proxy::~Proxy() {
  stop_ = true;
  Wake();
  thread_.join();
  close(listener_);
  close(wake_fd_);
}

void Proxy::Set(Mode mode) {
  mode_ = mode;
  Wake();
}

void Proxy::Disconnect() {
  disconnect_ = true;
  Wake();
}

void Proxy::Wake() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_fd_, &one, sizeof one);
}

void Proxy::Run() {
  std::list<Link> links;
  const auto cut = [](const Link& link) {
    close(link.client);
    close(link.server);
  };
  while (!stop_) {
    const Mode mode = mode_;
    if (disconnect_.exchange(false) || mode == Mode::kRefuse) {
      for (const auto& link : links) cut(link);
      links.clear();
    }
    std::vector<pollfd> waiting{{wake_fd_, POLLIN, 0}, {listener_, POLLIN, 0}};
    if (mode != Mode::kSilent) {
      for (const auto& link : links) {
        waiting.push_back({link.client, POLLIN, 0});
        waiting.push_back({link.server, POLLIN, 0});
      }
    }
    poll(waiting.data(), waiting.size(), -1);
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t drained = read(wake_fd_, &count, sizeof count);
    // The mode may have changed while nothing happened; what came afterwards must feel it.
    if (mode != mode_) continue;
    std::size_t next = 2;
    for (auto link = links.begin(); link != links.end() && next < waiting.size(); next += 2) {
      const bool open = (waiting[next].revents == 0 || Pass(link->client, link->server, false)) &&
                        (waiting[next + 1].revents == 0 ||
                         Pass(link->server, link->client, mode == Mode::kLoseAnswers, &answered_));
      if (!open) cut(*link);
      link = open ? std::next(link) : links.erase(link);
    }
    if ((waiting[1].revents & POLLIN) != 0) {
      Link link{accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC),
                socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
      const auto address = Loopback(server_.port);
      if (mode == Mode::kRefuse ||
          connect(link.server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        cut(link);
      } else {
        links.push_back(link);
      }
    }
  }
  for (const auto& link : links) cut(link);
}

}  // namespace redis_zk::testing
