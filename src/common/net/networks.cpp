#include "net/networks.h"

#include <arpa/inet.h>
#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <iterator>
#include <string>

#include "net/endpoint.h"

namespace redis_zk {

namespace {

constexpr int kAllBits = 128;
constexpr int kMappedBits = 96;
constexpr std::array<unsigned char, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr const char* kExpected =
    "addresses or networks such as 10.0.0.0/8 or 2001:db8::/32, separated by commas";

std::string_view WithoutBlanks(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

Result<Networks::Address> Networks::ParseOne(std::string_view text) {
  const std::string word(text);
  Address address;
  if (inet_pton(AF_INET, word.c_str(), address.bytes.data() + kMapped.size()) == 1) {
    std::copy(kMapped.begin(), kMapped.end(), address.bytes.begin());
  } else if (inet_pton(AF_INET6, word.c_str(), address.bytes.data()) != 1) {
    return Fail(ErrorKind::kInvalid, kExpected);
  }
  address.is_ipv4 = std::equal(kMapped.begin(), kMapped.end(), address.bytes.begin());
  return address;
}

Networks::Address Networks::Masked(const Address& address, int fixed_bits) {
  Address masked = address;
  for (int bit = fixed_bits; bit < kAllBits; ++bit) {
    masked.bytes[static_cast<std::size_t>(bit / 8)] &= static_cast<unsigned char>(~(0x80U >> (bit % 8)));
  }
  return masked;
}

Result<Networks::Range> Networks::ParseRange(std::string_view text) {
  const auto slash = text.find('/');
  const auto host = text.substr(0, slash);
  const auto address = ParseOne(host);
  if (!address) return tl::unexpected(address.error());
  if (slash == std::string_view::npos) return Range{*address, kAllBits};
  const int written_bits = host.find(':') == std::string_view::npos ? kAllBits - kMappedBits : kAllBits;
  const auto digits = text.substr(slash + 1);
  int prefix = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
  if (error != std::errc() || end != digits.data() + digits.size() || prefix < 0 || prefix > written_bits)
    return Fail(ErrorKind::kInvalid, fmt::format("{}/0 to {}/{}", host, host, written_bits));
  // Of IPv6, a range is IPv4's only where all of it is.
  const Range range{*address, prefix + kAllBits - written_bits};
  const Address first = Masked(*address, range.fixed_bits);
  if (first.bytes == address->bytes) return range;
  std::array<char, INET6_ADDRSTRLEN> shown{};
  const bool is_ipv4 = written_bits < kAllBits;
  inet_ntop(is_ipv4 ? AF_INET : AF_INET6, first.bytes.data() + (is_ipv4 ? kMapped.size() : 0), shown.data(),
            shown.size());
  return Fail(ErrorKind::kInvalid, fmt::format("{}/{} for that network, or {} for that address alone",
                                               shown.data(), prefix, host));
}

Result<Networks> Networks::Parse(std::string_view text) {
  Networks networks;
  while (true) {
    const auto comma = text.find(',');
    const auto range = ParseRange(WithoutBlanks(text.substr(0, comma)));
    if (!range) return tl::unexpected(range.error());
    networks.ranges_.push_back(*range);
    if (comma == std::string_view::npos) return networks;
    text.remove_prefix(comma + 1);
  }
}

void Networks::Add(const Networks& others) {
  ranges_.insert(ranges_.end(), others.ranges_.begin(), others.ranges_.end());
}

bool Networks::Contain(std::string_view ip) const {
  const auto address = ParseOne(ip);
  return address && std::any_of(ranges_.begin(), ranges_.end(), [&address](const Range& range) {
           return range.first.is_ipv4 == address->is_ipv4 &&
                  Masked(*address, range.fixed_bits).bytes == range.first.bytes;
         });
}

std::string HolderOf(const std::string& ip) {
  constexpr std::size_t kPrefix = 8;
  in6_addr address{};
  if (IsLoopback(ip) || inet_pton(AF_INET6, ip.c_str(), &address) != 1 || IN6_IS_ADDR_V4MAPPED(&address))
    return ip;
  std::fill(std::begin(address.s6_addr) + kPrefix, std::end(address.s6_addr), std::uint8_t{0});
  std::array<char, INET6_ADDRSTRLEN> shown{};
  inet_ntop(AF_INET6, &address, shown.data(), shown.size());
  return std::string(shown.data()) + "/64";
}

}  // namespace redis_zk
