#include "net/interface.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

namespace redis_zk {

namespace {

std::string Describe(const std::vector<InterfaceAddress>& addresses) {
  std::string text;
  for (const auto& address : addresses) {
    if (!text.empty()) text += ", ";
    text += address.interface + ' ' + address.ip;
  }
  return text.empty() ? "none" : text;
}

}  // namespace

Result<std::vector<InterfaceAddress>> ListInterfaceAddresses() {
  ifaddrs* raw = nullptr;
  if (getifaddrs(&raw) != 0) {
    return Fail(ErrorKind::kInternal, fmt::format("getifaddrs: {}", std::strerror(errno)));
  }
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> list(raw, &freeifaddrs);
  std::vector<InterfaceAddress> addresses;
  for (const ifaddrs* entry = list.get(); entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || (entry->ifa_flags & IFF_UP) == 0) continue;
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (entry->ifa_addr->sa_family == AF_INET) {
      sockaddr_in in{};
      std::memcpy(&in, entry->ifa_addr, sizeof in);
      inet_ntop(AF_INET, &in.sin_addr, text.data(), text.size());
      addresses.push_back({entry->ifa_name, text.data(), false, false});
    } else if (entry->ifa_addr->sa_family == AF_INET6) {
      sockaddr_in6 in6{};
      std::memcpy(&in6, entry->ifa_addr, sizeof in6);
      inet_ntop(AF_INET6, &in6.sin6_addr, text.data(), text.size());
      addresses.push_back({entry->ifa_name, text.data(), true, IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr) != 0});
    }
  }
  return addresses;
}

Result<std::string> AddressOf(std::string_view interface, const std::vector<InterfaceAddress>& addresses) {
  const InterfaceAddress* best = nullptr;
  for (const auto& address : addresses) {
    if (address.interface != interface || address.is_link_local) continue;
    if (best == nullptr || (best->is_ipv6 && !address.is_ipv6)) best = &address;
  }
  if (best == nullptr) {
    return Fail(ErrorKind::kNotFound,
                fmt::format("an interface with an address; there are: {}", Describe(addresses)));
  }
  return best->ip;
}

Status CheckBindable(const Endpoint& endpoint) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* raw = nullptr;
  if (getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &raw) != 0) {
    return Fail(ErrorKind::kInvalid, fmt::format("{} is not an IP address", endpoint.host));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> address(raw, &freeaddrinfo);
  const int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return Fail(ErrorKind::kInternal, fmt::format("socket: {}", std::strerror(errno)));
  // As the servers do: an old connection in TIME_WAIT is no obstacle, a living listener is.
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const int failure = bind(fd, address->ai_addr, address->ai_addrlen) == 0 ? 0 : errno;
  close(fd);
  if (failure == 0) return {};
  if (failure == EADDRNOTAVAIL) {
    const auto addresses = ListInterfaceAddresses();
    return Fail(ErrorKind::kInvalid,
                fmt::format("{} is not an address of this machine; there are: {}", endpoint.host,
                            addresses ? Describe(*addresses) : addresses.error().message));
  }
  return Fail(failure == EADDRINUSE ? ErrorKind::kAlreadyExists : ErrorKind::kInvalid,
              fmt::format("cannot listen on {}: {}", endpoint.ToAddress(), std::strerror(failure)));
}

}  // namespace redis_zk
