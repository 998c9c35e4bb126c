#include "net/endpoint.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

namespace redis_zk::testing::endpoint_test {
namespace {

const std::string kLongestLabel(63, 'a');
const std::string kLongestName =
    kLongestLabel + '.' + kLongestLabel + '.' + kLongestLabel + '.' + std::string(61, 'a');

struct Accepted {
  const char* name;
  std::string text;
  Endpoint endpoint;
};

struct Rejected {
  const char* name;
  std::string text;
};

TEST(EndpointTest, WritesBothForms) {
  struct Row {
    Endpoint endpoint;
    const char* record;
    const char* address;
  };
  for (const auto& [endpoint, record, address] :
       std::initializer_list<Row>{{{"10.0.0.1", 6379}, "10.0.0.1 6379", "10.0.0.1:6379"},
                                  {{"::1", 6379}, "::1 6379", "[::1]:6379"},
                                  {{"fe80::1:2", 1}, "fe80::1:2 1", "[fe80::1:2]:1"},
                                  {{"redis.example", 65535}, "redis.example 65535", "redis.example:65535"}}) {
    EXPECT_EQ(endpoint.ToRecord(), record);
    EXPECT_EQ(endpoint.ToAddress(), address);
    EXPECT_EQ(ParseRecord(record).value(), endpoint);
    EXPECT_EQ(ParseAddress(address, std::nullopt).value(), endpoint);
  }
}

TEST(EndpointTest, OrdersByHostThenPort) {
  EXPECT_LT((Endpoint{"10.0.0.1", 9}), (Endpoint{"10.0.0.2", 1}));
  EXPECT_LT((Endpoint{"10.0.0.1", 1}), (Endpoint{"10.0.0.1", 2}));
  EXPECT_EQ((Endpoint{"10.0.0.1", 1}), (Endpoint{"10.0.0.1", 1}));
  EXPECT_NE((Endpoint{"10.0.0.1", 1}), (Endpoint{"10.0.0.1", 2}));
}

TEST(ParseRecordTest, TakesWhatTheOriginalsWrite) {
  for (const auto& [name, text, endpoint] : std::initializer_list<Accepted>{
           {"IPv4", "10.0.0.1 6379", {"10.0.0.1", 6379}},
           {"IPv6", "::1 6379", {"::1", 6379}},
           {"IPv6 written out", "2001:db8:0:0:0:0:0:1 6379", {"2001:db8::1", 6379}},
           {"IPv6 in capitals", "2001:DB8::A 6379", {"2001:db8::a", 6379}},
           {"IPv6 with zeros", "2001:0db8::000a 6379", {"2001:db8::a", 6379}},
           {"name in capitals", "Redis-1.Example 6379", {"redis-1.example", 6379}},
           {"IPv4 in IPv6", "::ffff:10.0.0.1 6379", {"::ffff:10.0.0.1", 6379}},
           {"host name", "redis-1.example.com 6379", {"redis-1.example.com", 6379}},
           {"container's name", "redis_master 6379", {"redis_master", 6379}},
           {"label that begins with a digit", "1st.example 6379", {"1st.example", 6379}},
           {"longest name", kLongestName + " 6379", {kLongestName, 6379}},
           {"lowest port", "10.0.0.1 1", {"10.0.0.1", 1}},
           {"highest port", "10.0.0.1 65535", {"10.0.0.1", 65535}},
           {"line end", "10.0.0.1 6379\n", {"10.0.0.1", 6379}},
           {"blanks at the end", "10.0.0.1 6379 \t\r\n", {"10.0.0.1", 6379}}}) {
    const auto parsed = ParseRecord(text);
    ASSERT_TRUE(parsed) << name;
    EXPECT_EQ(*parsed, endpoint) << name;
  }
}

TEST(ParseRecordTest, RefusesEverythingElse) {
  for (const auto& [name, text] :
       std::initializer_list<Rejected>{{"nothing", ""},
                                       {"blanks", " \t\n"},
                                       {"host alone", "10.0.0.1"},
                                       {"host and blank", "10.0.0.1 "},
                                       {"port alone", " 6379"},
                                       {"address form", "10.0.0.1:6379"},
                                       {"brackets", "[::1] 6379"},
                                       {"three words", "10.0.0.1 6379 x"},
                                       {"two blanks", "10.0.0.1  6379"},
                                       {"tab", "10.0.0.1\t6379"},
                                       {"line end between", "10.0.0.1\n6379"},
                                       {"blank in front", " 10.0.0.1 6379"},
                                       {"port 0", "10.0.0.1 0"},
                                       {"port too high", "10.0.0.1 65536"},
                                       {"port far too high", "10.0.0.1 99999999999999999999"},
                                       {"negative port", "10.0.0.1 -1"},
                                       {"port with a sign", "10.0.0.1 +6379"},
                                       {"port with a fraction", "10.0.0.1 6379.0"},
                                       {"port in hexadecimal", "10.0.0.1 0x18eb"},
                                       {"port with letters", "10.0.0.1 6379x"},
                                       {"port by name", "10.0.0.1 redis"},
                                       {"number of IPv4 too high", "10.0.0.256 6379"},
                                       {"three numbers", "10.0.1 6379"},
                                       {"five numbers", "10.0.0.0.1 6379"},
                                       {"one number", "167772161 6379"},
                                       {"IPv6 with two gaps", "1::2::3 6379"},
                                       {"IPv6 with a zone", "fe80::1%eth0 6379"},
                                       {"IPv6 cut off", "2001:db8:0:0:0:0:0 6379"},
                                       {"hyphen first", "-redis 6379"},
                                       {"hyphen last", "redis- 6379"},
                                       {"empty label", "redis..example 6379"},
                                       {"dot first", ".example 6379"},
                                       {"dot last", "example. 6379"},
                                       {"label too long", kLongestLabel + "a 6379"},
                                       {"name too long", kLongestName + "a 6379"},
                                       {"name in UTF-8",
                                        "r\xc3\xa9"
                                        "dis 6379"},
                                       {"slash", "redis/1 6379"},
                                       {"quote", "\"redis\" 6379"},
                                       {"bytes", "\x01\xff\xfe 6379"},
                                       {"None of Python", "None None"},
                                       {"JSON", R"({"host":"10.0.0.1","port":6379})"}}) {
    EXPECT_FALSE(ParseRecord(text)) << name;
  }
}

TEST(ParseAddressTest, TakesHostsWithPorts) {
  for (const auto& [name, text, endpoint] :
       std::initializer_list<Accepted>{{"IPv4", "10.0.0.1:2181", {"10.0.0.1", 2181}},
                                       {"IPv6", "[::1]:2181", {"::1", 2181}},
                                       {"IPv4 in IPv6", "[::ffff:10.0.0.1]:2181", {"::ffff:10.0.0.1", 2181}},
                                       {"host name", "zk-1.example:2181", {"zk-1.example", 2181}}}) {
    const auto parsed = ParseAddress(text, std::nullopt);
    ASSERT_TRUE(parsed) << name;
    EXPECT_EQ(*parsed, endpoint) << name;
    EXPECT_EQ(ParseAddress(text, std::uint16_t{1}).value(), endpoint) << name;
  }
}

TEST(ParseAddressTest, FillsInThePortWhereThereIsADefault) {
  for (const auto& [name, text, endpoint] :
       std::initializer_list<Accepted>{{"IPv4", "10.0.0.1", {"10.0.0.1", 2181}},
                                       {"host name", "localhost", {"localhost", 2181}},
                                       {"IPv6 in brackets", "[::1]", {"::1", 2181}},
                                       {"IPv6 bare", "::1", {"::1", 2181}},
                                       // All of it is a valid address, so nothing of it is a port.
                                       {"IPv6 that looks like a port", "::1:2181", {"::0.1.33.129", 2181}}}) {
    EXPECT_EQ(ParseAddress(text, std::uint16_t{2181}).value(), endpoint) << name;
    EXPECT_FALSE(ParseAddress(text, std::nullopt)) << name;
  }
}

TEST(ParseAddressTest, RefusesEverythingElse) {
  for (const auto& [name, text] :
       std::initializer_list<Rejected>{{"nothing", ""},
                                       {"blank", " "},
                                       {"colon", ":"},
                                       {"port alone", ":2181"},
                                       {"empty port", "localhost:"},
                                       {"port 0", "localhost:0"},
                                       {"port too high", "localhost:65536"},
                                       {"negative port", "localhost:-1"},
                                       {"blank before the port", "localhost: 2181"},
                                       {"blank in front", " localhost:2181"},
                                       {"blank at the end", "localhost:2181 "},
                                       {"record form", "10.0.0.1 2181"},
                                       {"two ports", "localhost:1:2"},
                                       {"number too high", "10.0.0.256:2181"},
                                       {"IPv6 bare, port too long", "2001:db8::1:21811"},
                                       {"eight groups and a port", "1:2:3:4:5:6:7:8:2181"},
                                       {"open bracket", "[::1:2181"},
                                       {"closed bracket", "::1]:2181"},
                                       {"empty brackets", "[]:2181"},
                                       {"IPv4 in brackets", "[10.0.0.1]:2181"},
                                       {"name in brackets", "[localhost]:2181"},
                                       {"brackets and no colon", "[::1]2181"},
                                       {"brackets and no port", "[::1]:"},
                                       {"two brackets", "[[::1]]:2181"},
                                       {"zone", "[fe80::1%eth0]:2181"},
                                       {"URL", "http://localhost:2181"},
                                       {"path", "localhost:2181/redis"},
                                       {"list", "localhost:2181,localhost:2182"},
                                       {"line end", "localhost:2181\n"}}) {
    EXPECT_FALSE(ParseAddress(text, std::nullopt)) << name;
    EXPECT_FALSE(ParseAddress(text, std::uint16_t{2181})) << name;
  }
}

TEST(ParsePortTest, TakesOneTo65535) {
  EXPECT_EQ(ParsePort("1").value(), 1);
  EXPECT_EQ(ParsePort("6379").value(), 6379);
  EXPECT_EQ(ParsePort("65535").value(), 65535);
}

TEST(ParsePortTest, RefusesEverythingElse) {
  for (const auto& [name, text] : std::initializer_list<Rejected>{{"nothing", ""},
                                                                  {"zero", "0"},
                                                                  {"too high", "65536"},
                                                                  {"far too high", "18446744073709551617"},
                                                                  {"negative", "-1"},
                                                                  {"sign", "+1"},
                                                                  {"blank in front", " 1"},
                                                                  {"blank at the end", "1 "},
                                                                  {"line end", "1\n"},
                                                                  {"hexadecimal", "0x1"},
                                                                  {"exponent", "1e3"},
                                                                  {"fraction", "1.0"},
                                                                  {"NUL", std::string("1\0", 2)},
                                                                  {"letters", "http"}}) {
    EXPECT_FALSE(ParsePort(text)) << name;
  }
}

TEST(IsIpAddressTest, TellsAddressesFromNames) {
  for (const char* ip :
       {"0.0.0.0", "10.0.0.1", "255.255.255.255", "::", "::1", "2001:DB8::A", "::ffff:1.2.3.4"}) {
    EXPECT_TRUE(IsIpAddress(ip)) << ip;
    EXPECT_FALSE(IsHostName(ip)) << ip;
  }
  for (const char* other :
       {"", "localhost", "10.0.0", "10.0.0.1.", "10.0.0.01x", "1.2.3.4 ", " 1.2.3.4", "0x7f.0.0.1", ":",
        ":::", "12345::", "g::1", "::1/64", "[::1]", "fe80::1%lo", "1.2.3.4:5"}) {
    EXPECT_FALSE(IsIpAddress(other)) << other;
  }
}

TEST(IsHostNameTest, TakesNamesOnly) {
  for (const std::string& name :
       {std::string("a"), std::string("localhost"), std::string("my-host_1.example"),
        std::string("10.0.0.1.nip.io"), kLongestLabel, kLongestName}) {
    EXPECT_TRUE(IsHostName(name)) << name;
  }
  for (const std::string& name :
       {std::string(),       std::string("."),       std::string("a."),         std::string(".a"),
        std::string("a..b"), std::string("-a"),      std::string("a-"),         std::string("a.-b"),
        std::string("a b"),  std::string("a\n"),     std::string("a:b"),        std::string("a/b"),
        std::string("a@b"),  std::string("a%b"),     std::string("\xff"),       std::string("a\0b", 3),
        std::string("12"),   std::string("1.2.3.4"), std::string("10.0.0.999"), kLongestLabel + 'a',
        kLongestName + 'a'}) {
    EXPECT_FALSE(IsHostName(name)) << name;
  }
}

TEST(IsWildcardTest, KnowsTheAddressesThatOnlyBind) {
  EXPECT_TRUE(IsWildcard("0.0.0.0"));
  EXPECT_TRUE(IsWildcard("::"));
  for (const char* ip : {"", "0.0.0.1", "127.0.0.1", "::1", "0", "localhost"})
    EXPECT_FALSE(IsWildcard(ip)) << ip;
}

}  // namespace
}  // namespace redis_zk::testing::endpoint_test
