// Ranges of addresses, as CIDR writes them: values and functions of them.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace redis_zk {

// 10.0.0.0/8, 2001:db8::/32, or one address. An IPv4-mapped IPv6 address is the IPv4 address.
class Networks {
 public:
  // None.
  Networks() = default;
  // Separated by commas, with blanks around them. Errors say what was expected, as those of all parsers.
  static Result<Networks> Parse(std::string_view text);

  bool empty() const { return ranges_.empty(); }
  void Add(const Networks& others);
  // False also for what is no address: a name may lead anywhere.
  bool Contain(std::string_view ip) const;

 private:
  struct Address {
    std::array<unsigned char, 16> bytes{};  // IPv4 as mapped IPv6
    bool is_ipv4 = false;
  };
  struct Range {
    Address first;
    int fixed_bits = 0;  // of all 128
  };
  static Result<Address> ParseOne(std::string_view text);
  static Result<Range> ParseRange(std::string_view text);
  static Address Masked(const Address& address, int fixed_bits);
  static std::string Show(const Address& address, bool as_ipv4);

  friend std::string HolderOf(const std::string& ip);

  std::vector<Range> ranges_;
};

// Which client has an address, for a limit of what one client may have: an IPv6 host chooses any address of
// its /64 (RFC 4291, section 2.5.4), and has them all together, "2001:db8::/64". Loopback, IPv4 and what is
// no address are themselves.
std::string HolderOf(const std::string& ip);

}  // namespace redis_zk
