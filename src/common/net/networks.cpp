#include "net/networks.h"

#include <arpa/inet.h>
#include <fmt/core.h>

#include <algorithm>
#include <charconv>
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

std::string Networks::Show(const Address& address, bool as_ipv4) {
  std::array<char, INET6_ADDRSTRLEN> shown{};
  inet_ntop(as_ipv4 ? AF_INET : AF_INET6, address.bytes.data() + (as_ipv4 ? kMapped.size() : 0), shown.data(),
            shown.size());
  return shown.data();
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
  return Fail(ErrorKind::kInvalid, fmt::format("{}/{} for that network, or {} for that address alone",
                                               Show(first, written_bits < kAllBits), prefix, host));
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
  constexpr int kPrefix = 64;
  const auto address = Networks::ParseOne(ip);
  if (!address || address->is_ipv4 || IsLoopback(ip)) return ip;
  return fmt::format("{}/{}", Networks::Show(Networks::Masked(*address, kPrefix), /*as_ipv4=*/false),
                     kPrefix);
}

}  // namespace redis_zk
