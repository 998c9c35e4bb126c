// A host and a port, and the two ways they are written down.
//
//   record form   "10.0.0.1 6379", "::1 6379"       in ZooKeeper, as the Python and Go originals write it
//   address form  "10.0.0.1:6379", "[::1]:6379"     everywhere else
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace redis_zk {

struct Endpoint {
  std::string host;  // an IP address or a host name, as CanonicalHost writes it
  std::uint16_t port = 0;

  auto operator<=>(const Endpoint&) const = default;

  std::string ToRecord() const;
  std::string ToAddress() const;
};

bool Contains(const std::vector<Endpoint>& endpoints, const Endpoint& endpoint);

// Errors of the parsers say what was expected, not what was found: the caller names the place and the
// finding.
Result<Endpoint> ParseRecord(std::string_view text);
// `default_port` stands in for a missing ":port"; without one, the port is mandatory.
Result<Endpoint> ParseAddress(std::string_view text, std::optional<std::uint16_t> default_port);
Result<std::uint16_t> ParsePort(std::string_view text);

// The one spelling of an address or name that has several ("2001:DB8:0::1" is "2001:db8::1"), so that who is
// the same compares equal. Whatever is neither stays as it is.
std::string CanonicalHost(std::string_view host);
bool IsIpAddress(std::string_view host);
bool IsHostName(std::string_view host);
// Whether both may be the same server: Sentinel may list by address what is announced by name.
bool MayBeSame(const Endpoint& one, const Endpoint& other);
// 0.0.0.0 or ::, which can be bound but not announced.
bool IsWildcard(std::string_view ip);
// 127.0.0.0/8, ::1 or "localhost", which is another machine for everybody.
bool IsLoopback(std::string_view host);

}  // namespace redis_zk
