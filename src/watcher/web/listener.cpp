#include "watcher/web/listener.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace redis_zk::watcher::web {

namespace {

// The kernel drops a client that finds no place, and that tries again only after a second.
constexpr int kMostUnaccepted = 1024;

Endpoint EndpointOf(const sockaddr_storage& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    const auto& ipv4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &ipv4.sin_addr, text.data(), text.size());
    return {text.data(), ntohs(ipv4.sin_port)};
  }
  const auto& ipv6 = reinterpret_cast<const sockaddr_in6&>(address);
  inet_ntop(AF_INET6, &ipv6.sin6_addr, text.data(), text.size());
  // What listens on "::" hears IPv4, too.
  constexpr std::string_view kMapped = "::ffff:";
  std::string_view host = text.data();
  if (IN6_IS_ADDR_V4MAPPED(&ipv6.sin6_addr)) host.remove_prefix(kMapped.size());
  return {std::string(host), ntohs(ipv6.sin6_port)};
}

}  // namespace

Result<Listener> Listener::Listen(const Endpoint& endpoint, const TlsSource* tls) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* raw = nullptr;
  if (getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &raw) != 0)
    return Fail(ErrorKind::kInvalid, fmt::format("{} is not an IP address", endpoint.host));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> address(raw, &freeaddrinfo);
  os::Descriptor socket(::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const bool listens = socket.valid() && bind(socket.get(), address->ai_addr, address->ai_addrlen) == 0 &&
                       listen(socket.get(), kMostUnaccepted) == 0;
  if (!listens)
    return Fail(errno == EADDRINUSE ? ErrorKind::kAlreadyExists : ErrorKind::kInvalid,
                fmt::format("cannot listen on {}: {}", endpoint.ToAddress(), std::strerror(errno)));
  return Listener(std::move(socket), tls);
}

std::optional<Listener::Accepted> Listener::Accept(Failure* failure) const {
  *failure = Failure::kNone;
  while (true) {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    const int socket =
        accept4(socket_.get(), reinterpret_cast<sockaddr*>(&address), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket >= 0) {
      auto from = EndpointOf(address);
      auto stream = redis_zk::Stream::Accept(socket, from, tls_ == nullptr ? nullptr : tls_->Get());
      return Accepted{std::move(stream), std::move(from)};
    }
    const int error = errno;
    if (error == EAGAIN) return std::nullopt;
    if (error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS) {
      *failure = Failure::kNoDescriptor;
      return std::nullopt;
    }
    // That client has already left, or its network has failed.
  }
}

}  // namespace redis_zk::watcher::web
