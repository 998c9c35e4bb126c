#include "zookeeper/hosts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace redis_zk::testing::hosts_test {
namespace {

using ::testing::HasSubstr;

struct Rejected {
  const char* name;
  std::string text;
};

TEST(ParseHostsTest, TakesHostsAndAChroot) {
  struct Row {
    const char* name;
    const char* text;
    std::vector<Endpoint> servers;
    const char* chroot;
  };
  for (const auto& [name, text, servers, chroot] : std::initializer_list<Row>{
           {"the default", "localhost:2181", {{"localhost", 2181}}, ""},
           {"no port", "zk1", {{"zk1", 2181}}, ""},
           {"two", "zk1:2181,zk2:2182", {{"zk1", 2181}, {"zk2", 2182}}, ""},
           {"three, one without a port", "zk1:1,zk2,zk3:3", {{"zk1", 1}, {"zk2", 2181}, {"zk3", 3}}, ""},
           {"blanks around", " zk1:1 , zk2:2 ", {{"zk1", 1}, {"zk2", 2}}, ""},
           {"twice the same", "zk1:1,zk1:1", {{"zk1", 1}, {"zk1", 1}}, ""},
           {"IPv6", "[::1]:2182", {{"::1", 2182}}, ""},
           {"IPv6 without a port", "[::1],2001:db8::1", {{"::1", 2181}, {"2001:db8::1", 2181}}, ""},
           {"chroot", "zk1:1/marathon", {{"zk1", 1}}, "/marathon"},
           {"deep chroot after two", "zk1:1,zk2:2/a/b-c", {{"zk1", 1}, {"zk2", 2}}, "/a/b-c"},
           {"chroot after IPv6", "[::1]:1/x", {{"::1", 1}}, "/x"},
           {"chroot and no port", "zk1/x", {{"zk1", 2181}}, "/x"}}) {
    const auto hosts = zookeeper::ParseHosts(text);
    ASSERT_TRUE(hosts) << name;
    EXPECT_EQ(hosts->servers, servers) << name;
    EXPECT_EQ(hosts->chroot, chroot) << name;
  }
}

TEST(ParseHostsTest, RefusesEverythingElse) {
  for (const auto& [name, text] : std::initializer_list<Rejected>{{"nothing", ""},
                                                                  {"blank", " "},
                                                                  {"comma", ","},
                                                                  {"comma first", ",zk1:1"},
                                                                  {"comma last", "zk1:1,"},
                                                                  {"two commas", "zk1:1,,zk2:2"},
                                                                  {"semicolon", "zk1:1;zk2:2"},
                                                                  {"blank between", "zk1:1 zk2:2"},
                                                                  {"port 0", "zk1:0"},
                                                                  {"port too high", "zk1:65536"},
                                                                  {"empty port", "zk1:"},
                                                                  {"port alone", ":2181"},
                                                                  {"one of two wrong", "zk1:1,zk2:x"},
                                                                  {"bracket open", "[::1:2181"},
                                                                  {"chroot alone", "/redis"},
                                                                  {"slash last", "zk1:1/"},
                                                                  {"chroot with a slash last", "zk1:1/a/"},
                                                                  {"chroot with two slashes", "zk1:1//a"},
                                                                  {"chroot before a host", "zk1:1/a,zk2:2 x"},
                                                                  {"URL", "zk://zk1:1/a"},
                                                                  {"line end in it", "zk1:1,\x01"}}) {
    EXPECT_FALSE(zookeeper::ParseHosts(text)) << name;
  }
}

TEST(ParseHostsTest, NamesTheItemThatIsWrong) {
  EXPECT_THAT(zookeeper::ParseHosts("zk1:1,zk2:x,zk3").error().message, HasSubstr("\"zk2:x\" is not a host"));
  EXPECT_THAT(zookeeper::ParseHosts("zk1:1/").error().message, HasSubstr("chroot"));
}

TEST(ParsePathTest, TakesAbsolutePaths) {
  for (const char* path :
       {"/redis", "/a", "/a/b/c", "/redis-2.x_y", "/...", "/a..b", "/.a", "/a.", "/a:b,c"}) {
    EXPECT_EQ(zookeeper::ParsePath(path).value(), path);
  }
}

TEST(ParsePathTest, RefusesEverythingElse) {
  for (const auto& [name, text] : std::initializer_list<Rejected>{{"nothing", ""},
                                                                  {"the root", "/"},
                                                                  {"relative", "redis"},
                                                                  {"slash last", "/redis/"},
                                                                  {"empty part", "/redis//a"},
                                                                  {"two slashes", "//"},
                                                                  {"this directory", "/."},
                                                                  {"this directory inside", "/a/./b"},
                                                                  {"this directory last", "/a/."},
                                                                  {"parent", "/.."},
                                                                  {"parent inside", "/a/../b"},
                                                                  {"parent last", "/a/.."},
                                                                  {"blank", "/a b"},
                                                                  {"blank in front", " /a"},
                                                                  {"line end", "/a\n"},
                                                                  {"NUL", std::string("/a\0", 3)},
                                                                  {"DEL", "/a\x7f"}}) {
    EXPECT_FALSE(zookeeper::ParsePath(text)) << name;
  }
}

}  // namespace
}  // namespace redis_zk::testing::hosts_test
