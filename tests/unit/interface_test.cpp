#include "net/interface.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "support/listener.h"
#include "support/servers.h"

namespace redis_zk::testing::interface_test {
namespace {

using ::testing::HasSubstr;

const InterfaceAddress kIpv4{"eth0", "10.0.0.1", false, false};
const InterfaceAddress kSecondIpv4{"eth0", "10.0.0.2", false, false};
const InterfaceAddress kIpv6{"eth0", "2001:db8::1", true, false};
const InterfaceAddress kSecondIpv6{"eth0", "2001:db8::2", true, false};
const InterfaceAddress kLinkLocal{"eth0", "fe80::1", true, true};
const InterfaceAddress kOther{"eth1", "192.0.2.1", false, false};

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
    bool port_is_taken = false;
  };
  for (const auto& [name, endpoint, message, port_is_taken] : std::initializer_list<Row>{
           {"port taken", {"127.0.0.1", taken.port()}, "Address already in use", true},
           {"port taken on one address", {"0.0.0.0", taken.port()}, "Address already in use", true},
           {"address of another machine",
            {"192.0.2.1", FreePort()},
            "192.0.2.1 is not an address of this machine"},
           {"a name", {"localhost", FreePort()}, "localhost is not an IP address"},
           {"garbage", {"10.0.0.256", FreePort()}, "10.0.0.256 is not an IP address"}}) {
    const auto status = CheckBindable(endpoint);
    ASSERT_FALSE(status) << name;
    EXPECT_EQ(IsPortTaken(status.error()), port_is_taken) << name;
    EXPECT_THAT(status.error().message, HasSubstr(message)) << name;
  }
}

}  // namespace
}  // namespace redis_zk::testing::interface_test
