// Network interfaces of this machine, and whether an endpoint can be bound here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/endpoint.h"

namespace redis_zk {

struct InterfaceAddress {
  std::string interface;
  std::string ip;  // IPv4 or IPv6, without a zone
  bool is_ipv6 = false;
  bool is_link_local = false;
};

Result<std::vector<InterfaceAddress>> ListInterfaceAddresses();

// The address of `interface` to bind and announce: IPv4 first, then global IPv6; link-local never, since it
// means nothing to another host. The error lists the interfaces there are.
Result<std::string> AddressOf(std::string_view interface, const std::vector<InterfaceAddress>& addresses);

// Binds the endpoint for a moment and lets go of it. Says which of the two is wrong: the address is not this
// machine's, or the port is taken or forbidden.
Status CheckBindable(const Endpoint& endpoint);
// Whether that found the port taken: a state that may pass by itself, unlike any other.
inline bool IsPortTaken(const Error& error) { return error.kind == ErrorKind::kAlreadyExists; }

}  // namespace redis_zk
