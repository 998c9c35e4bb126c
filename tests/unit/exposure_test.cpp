#include "daemon/exposure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>

#include "unit/log_fixture.h"

namespace redis_zk::testing::exposure_test {
namespace {

using ::testing::HasSubstr;

TEST(ExposureTest, WarnsOfWhatOtherHostsCanDo) {
  struct Row {
    const char* name;
    const char* bind;
    const char* announce;
    const char* redis;
    const char* sentinel;
    bool redis_is_open;
    bool sentinel_is_open;
  };
  for (const auto& [name, bind, announce, redis, sentinel, redis_is_open, sentinel_is_open] :
       std::initializer_list<Row>{
           {"open to the network", "10.0.0.1", "10.0.0.1", "", "", true, true},
           {"with passwords", "10.0.0.1", "10.0.0.1", "secret", "secret", false, false},
           {"Redis alone has one", "10.0.0.1", "10.0.0.1", "secret", "", false, true},
           {"Sentinel alone has one", "10.0.0.1", "10.0.0.1", "", "secret", true, false},
           {"loopback", "127.0.0.1", "127.0.0.1", "", "", false, false},
           {"loopback, IPv6", "::1", "::1", "", "", false, false},
           {"announced by a proxy of this host", "127.0.0.1", "10.0.0.1", "", "", true, true},
           {"all addresses, announced on loopback", "0.0.0.0", "127.0.0.1", "", "", true, true},
       }) {
    CommonOptions common;
    common.credentials = {.redis = redis::Credentials{"", redis},
                          .sentinel = redis::Credentials{"", sentinel}};
    ServerOptions server;
    server.bind = {bind, 6379};
    server.announce = {announce, 6379};
    const CapturedLog log;
    EXPECT_EQ(daemon::IsOpen(common, server, "redis-wrapper"), redis_is_open) << name;
    daemon::WarnIfOpen(common, server, "redis-wrapper");
    EXPECT_EQ(log.text().find("REDIS_PASSWORD") != std::string::npos, redis_is_open) << name;
    EXPECT_EQ(daemon::IsOpen(common, server, "sentinel-wrapper"), sentinel_is_open) << name;
    daemon::WarnIfOpen(common, server, "sentinel-wrapper");
    EXPECT_EQ(log.text().find("SENTINEL_PASSWORD") != std::string::npos, sentinel_is_open) << name;
  }
  const CapturedLog log;
  ServerOptions server;
  server.bind = server.announce = {"10.0.0.1", 6379};
  daemon::WarnIfOpen({}, server, "redis-wrapper");
  EXPECT_THAT(log.text(),
              HasSubstr("no password at 10.0.0.1:6379: any host on the network can read, change and delete "
                        "all data, and take over the server; set REDIS_PASSWORD for all daemons, or close "
                        "the port to other hosts"));
}

}  // namespace
}  // namespace redis_zk::testing::exposure_test
