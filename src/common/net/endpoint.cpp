#include "net/endpoint.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace redis_zk {

namespace {

constexpr std::size_t kLongestHostName = 253;  // RFC 1035, 2.3.4, without the root's dot

bool IsIpv6(std::string_view host) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  return inet_pton(AF_INET6, std::string(host).c_str(), address.data()) == 1;
}

bool IsHostNameLabel(std::string_view label) {
  // The underscore is not RFC 1123, but container engines put it into names.
  const auto allowed = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; };
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), allowed);
}

Result<Endpoint> Checked(std::string_view host, std::string_view port) {
  const auto number = ParsePort(port);
  if (!number) return tl::unexpected(number.error());
  if (!IsIpAddress(host) && !IsHostName(host))
    return Fail(ErrorKind::kInvalid, "an IP address or a host name");
  return Endpoint{CanonicalHost(host), *number};
}

}  // namespace

std::string Endpoint::ToRecord() const { return host + ' ' + std::to_string(port); }

std::string Endpoint::ToAddress() const {
  const bool bracketed = host.find(':') != std::string::npos;
  return (bracketed ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

bool Contains(const std::vector<Endpoint>& endpoints, const Endpoint& endpoint) {
  return std::find(endpoints.begin(), endpoints.end(), endpoint) != endpoints.end();
}

Result<std::uint16_t> ParsePort(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) {
    return Fail(ErrorKind::kInvalid, "a port from 1 to 65535");
  }
  return port;
}

Result<Endpoint> ParseRecord(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  const auto space = text.find(' ');
  if (space == std::string_view::npos) return Fail(ErrorKind::kInvalid, "\"host port\"");
  return Checked(text.substr(0, space), text.substr(space + 1));
}

Result<Endpoint> ParseAddress(std::string_view text, std::optional<std::uint16_t> default_port) {
  std::string_view host = text;
  std::optional<std::string_view> port;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return Fail(ErrorKind::kInvalid, "\"[IPv6 address]:port\"");
    host = text.substr(1, close - 1);
    if (!IsIpv6(host)) return Fail(ErrorKind::kInvalid, "an IPv6 address between the brackets");
    const std::string_view rest = text.substr(close + 1);
    if (rest.starts_with(':')) {
      port = rest.substr(1);
    } else if (!rest.empty()) {
      return Fail(ErrorKind::kInvalid, "\"[IPv6 address]:port\"");
    }
  } else if (const auto colon = text.rfind(':'); colon != std::string_view::npos && !IsIpv6(text)) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (host.find(':') != std::string_view::npos) {
      return Fail(ErrorKind::kInvalid, "an IPv6 address in brackets, \"[address]:port\"");
    }
  }
  if (port) return Checked(host, *port);
  if (!default_port) return Fail(ErrorKind::kInvalid, "\"host:port\"");
  return Checked(host, std::to_string(*default_port));
}

std::string CanonicalHost(std::string_view host) {
  std::string canonical(host);
  in6_addr address{};
  if (inet_pton(AF_INET6, canonical.c_str(), &address) == 1) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    return inet_ntop(AF_INET6, &address, text.data(), text.size());
  }
  // An IPv4 address has one spelling only that inet_pton takes; names are the same in any case (RFC 4343).
  std::transform(canonical.begin(), canonical.end(), canonical.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return canonical;
}

bool IsIpAddress(std::string_view host) {
  std::array<unsigned char, sizeof(in_addr)> address{};
  return inet_pton(AF_INET, std::string(host).c_str(), address.data()) == 1 || IsIpv6(host);
}

bool IsHostName(std::string_view host) {
  if (host.empty() || host.size() > kLongestHostName) return false;
  // Something like 10.0.0.999 is a mistyped address, not a name.
  if (std::all_of(host.begin(), host.end(),
                  [](unsigned char c) { return std::isdigit(c) != 0 || c == '.'; })) {
    return false;
  }
  while (true) {
    const auto dot = host.find('.');
    if (!IsHostNameLabel(host.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    host.remove_prefix(dot + 1);
  }
}

bool MayBeSame(const Endpoint& one, const Endpoint& other) {
  return one == other || (one.port == other.port && !(IsIpAddress(one.host) && IsIpAddress(other.host)));
}

bool IsWildcard(std::string_view ip) { return ip == "0.0.0.0" || ip == "::"; }

bool IsLoopback(std::string_view host) {
  return host == "localhost" || host == "::1" || (IsIpAddress(host) && host.starts_with("127."));
}

}  // namespace redis_zk
