#include "net/interface.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "support/servers.h"

namespace redis_zk::testing {
namespace {

using ::testing::HasSubstr;

const InterfaceAddress kIpv4{"eth0", "10.0.0.1", false, false};
const InterfaceAddress kSecondIpv4{"eth0", "10.0.0.2", false, false};
const InterfaceAddress kIpv6{"eth0", "2001:db8::1", true, false};
const InterfaceAddress kSecondIpv6{"eth0", "2001:db8::2", true, false};
const InterfaceAddress kLinkLocal{"eth0", "fe80::1", true, true};
const InterfaceAddress kOther{"eth1", "192.0.2.1", false, false};

// A listener on a loopback port that the kernel chose.
class Listener {
 public:
  Listener() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    if (bind(fd_, raw, length) != 0 || listen(fd_, 1) != 0 || getsockname(fd_, raw, &length) != 0)
      std::abort();
    port_ = ntohs(address.sin_port);
  }
  ~Listener() { close(fd_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  std::uint16_t port() const { return port_; }

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

TEST(AddressOfTest, PrefersWhatOthersCanReach) {
  struct Row {
    const char* name;
    std::vector<InterfaceAddress> addresses;
    const char* ip;
  };
  for (const auto& [name, addresses, ip] :
       std::initializer_list<Row>{{"the only one", {kIpv4}, "10.0.0.1"},
                                  {"first of two", {kSecondIpv4, kIpv4}, "10.0.0.2"},
                                  {"IPv4 before IPv6", {kIpv6, kIpv4}, "10.0.0.1"},
                                  {"IPv4 listed first", {kIpv4, kIpv6}, "10.0.0.1"},
                                  {"IPv6 alone", {kIpv6, kSecondIpv6}, "2001:db8::1"},
                                  {"link-local never", {kLinkLocal, kIpv6}, "2001:db8::1"},
                                  {"another interface's never", {kOther, kIpv4}, "10.0.0.1"}}) {
    EXPECT_EQ(AddressOf("eth0", addresses).value(), ip) << name;
  }
}

TEST(AddressOfTest, SaysWhichInterfacesThereAreWhenItFindsNone) {
  struct Row {
    const char* name;
    std::string interface;
    std::vector<InterfaceAddress> addresses;
    const char* listed;
  };
  for (const auto& [name, interface, addresses, listed] :
       std::initializer_list<Row>{{"no interface at all", "eth0", {}, "there are: none"},
                                  {"other name", "eth0", {kOther}, "there are: eth1 192.0.2.1"},
                                  {"only link-local", "eth0", {kLinkLocal}, "eth0 fe80::1"},
                                  {"only a prefix", "eth", {kIpv4, kOther}, "eth0 10.0.0.1, eth1 192.0.2.1"},
                                  {"other case", "ETH0", {kIpv4}, "eth0 10.0.0.1"},
                                  {"an alias", "eth0:1", {kIpv4}, "eth0 10.0.0.1"},
                                  {"an address", "10.0.0.1", {kIpv4}, "eth0 10.0.0.1"},
                                  {"empty name", "", {kIpv4}, "eth0 10.0.0.1"}}) {
    const auto address = AddressOf(interface, addresses);
    ASSERT_FALSE(address) << name;
    EXPECT_EQ(address.error().kind, ErrorKind::kNotFound) << name;
    EXPECT_THAT(address.error().message, HasSubstr(listed)) << name;
  }
}

TEST(ListInterfaceAddressesTest, FindsTheLoopback) {
  const auto addresses = ListInterfaceAddresses();
  ASSERT_TRUE(addresses);
  EXPECT_EQ(AddressOf("lo", *addresses).value(), "127.0.0.1");
  for (const auto& address : *addresses) {
    EXPECT_TRUE(IsIpAddress(address.ip)) << address.ip;
    EXPECT_EQ(address.is_ipv6, address.ip.find(':') != std::string::npos) << address.ip;
  }
}

TEST(CheckBindableTest, TakesAFreePortAndLeavesItFree) {
  const Endpoint free{"127.0.0.1", FreePort()};
  EXPECT_TRUE(CheckBindable(free));
  EXPECT_TRUE(CheckBindable(free));
  EXPECT_TRUE(CheckBindable({"0.0.0.0", free.port}));
}

TEST(CheckBindableTest, SaysWhichPartIsWrong) {
  const Listener taken;
  struct Row {
    const char* name;
    Endpoint endpoint;
    const char* message;
  };
  for (const auto& [name, endpoint, message] : std::initializer_list<Row>{
           {"port taken", {"127.0.0.1", taken.port()}, "Address already in use"},
           {"port taken on one address", {"0.0.0.0", taken.port()}, "Address already in use"},
           {"address of another machine",
            {"192.0.2.1", FreePort()},
            "192.0.2.1 is not an address of this machine"},
           {"a name", {"localhost", FreePort()}, "localhost is not an IP address"},
           {"garbage", {"10.0.0.256", FreePort()}, "10.0.0.256 is not an IP address"}}) {
    const auto status = CheckBindable(endpoint);
    ASSERT_FALSE(status) << name;
    EXPECT_EQ(status.error().kind, ErrorKind::kInvalid) << name;
    EXPECT_THAT(status.error().message, HasSubstr(message)) << name;
  }
}

}  // namespace
}  // namespace redis_zk::testing
