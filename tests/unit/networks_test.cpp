#include "net/networks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>

namespace redis_zk::testing::networks_test {
namespace {

using ::testing::HasSubstr;

TEST(NetworksTest, ContainWhatTheyName) {
  struct Row {
    const char* name;
    const char* networks;
    const char* ip;
    bool contained;
  };
  for (const auto& [name, text, ip, contained] : std::initializer_list<Row>{
           {"inside", "10.0.0.0/8", "10.255.0.1", true},
           {"outside", "10.0.0.0/8", "11.0.0.1", false},
           {"the first", "10.0.0.8/30", "10.0.0.8", true},
           {"the last", "10.0.0.8/30", "10.0.0.11", true},
           {"before the first", "10.0.0.8/30", "10.0.0.7", false},
           {"after the last", "10.0.0.8/30", "10.0.0.12", false},
           {"in the second, with blanks", "10.0.0.0/8 , 192.168.0.0/16", "192.168.3.4", true},
           {"one address", "10.0.0.1", "10.0.0.1", true},
           {"another address", "10.0.0.1", "10.0.0.2", false},
           {"one address with a prefix", "10.0.0.1/32", "10.0.0.1", true},
           {"all of IPv4", "0.0.0.0/0", "203.0.113.9", true},
           {"of which IPv6 is none", "0.0.0.0/0", "2001:db8::1", false},
           {"all of IPv6", "::/0", "2001:db8::1", true},
           {"of which IPv4 is none", "::/0", "10.0.0.1", false},
           {"nor is mapped IPv4", "::/0", "::ffff:10.0.0.1", false},
           {"inside IPv6", "2001:db8::/32", "2001:db8:ffff::1", true},
           {"outside IPv6", "2001:db8::/32", "2001:db9::1", false},
           {"another spelling", "2001:DB8:0::1", "2001:db8::1", true},
           {"a mapped address in IPv4", "10.0.0.0/8", "::ffff:10.1.2.3", true},
           {"an address in mapped IPv4", "::ffff:10.0.0.0/104", "10.1.2.3", true},
           {"outside mapped IPv4", "::ffff:10.0.0.0/104", "11.1.2.3", false},
           {"a mapped address", "::ffff:10.0.0.1", "10.0.0.1", true},
           {"a name", "0.0.0.0/0,::/0", "localhost", false},
           {"nothing", "0.0.0.0/0,::/0", "", false}}) {
    const auto networks = Networks::Parse(text);
    ASSERT_TRUE(networks) << name << ": " << networks.error().message;
    EXPECT_EQ(networks->Contain(ip), contained) << name;
  }
  EXPECT_TRUE(Networks().empty());
  EXPECT_FALSE(Networks().Contain("10.0.0.1"));
}

TEST(NetworksTest, SayWhatWasMeant) {
  struct Row {
    const char* name;
    const char* text;
    const char* expected;
  };
  constexpr const char* kForm = "addresses or networks such as 10.0.0.0/8 or 2001:db8::/32";
  for (const auto& [name, text, expected] : std::initializer_list<Row>{
           {"nothing", "", kForm},
           {"nothing after a comma", "10.0.0.0/8,", kForm},
           {"a name", "redis.internal", kForm},
           {"a name with a prefix", "redis/8", kForm},
           {"another separator", "10.0.0.0/8;10.1.0.0/16", "10.0.0.0/0 to 10.0.0.0/32"},
           {"half an address", "10.0/8", kForm},
           {"no prefix", "10.0.0.0/", "10.0.0.0/0 to 10.0.0.0/32"},
           {"a mask", "10.0.0.0/255.0.0.0", "10.0.0.0/0 to 10.0.0.0/32"},
           {"a prefix too long", "10.0.0.0/33", "10.0.0.0/0 to 10.0.0.0/32"},
           {"of IPv6, too", "2001:db8::/129", "2001:db8::/0 to 2001:db8::/128"},
           {"less than none", "10.0.0.0/-1", "10.0.0.0/0 to 10.0.0.0/32"},
           {"host bits", "10.1.2.3/8", "10.0.0.0/8 for that network, or 10.1.2.3 for that address alone"},
           {"host bits of IPv6", "2001:db8::1/64",
            "2001:db8::/64 for that network, or 2001:db8::1 for that address alone"}}) {
    const auto networks = Networks::Parse(text);
    ASSERT_FALSE(networks) << name;
    EXPECT_EQ(networks.error().kind, ErrorKind::kInvalid) << name;
    EXPECT_THAT(networks.error().message, HasSubstr(expected)) << name;
  }
}

TEST(NetworksTest, AnIpv6HostHasAllOfItsNetwork) {
  struct Row {
    const char* name;
    const char* ip;
    const char* holder;
  };
  for (const auto& [name, ip, holder] :
       std::initializer_list<Row>{{"IPv4", "192.0.2.7", "192.0.2.7"},
                                  {"IPv6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
                                  {"the network's first", "2001:db8:1:2::", "2001:db8:1:2::/64"},
                                  {"of a link", "fe80::1", "fe80::/64"},
                                  {"loopback", "::1", "::1"},
                                  {"IPv4 in IPv6", "::ffff:192.0.2.7", "::ffff:192.0.2.7"},
                                  {"no address", "example", "example"},
                                  {"nothing", "", ""}})
    EXPECT_EQ(HolderOf(ip), holder) << name;
}

}  // namespace
}  // namespace redis_zk::testing::networks_test
