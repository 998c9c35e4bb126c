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
    const char* host;
    const char* password;
    bool warns;
  };
  for (const auto& [name, host, password, warns] : std::initializer_list<Row>{
           {"open to the network", "10.0.0.1", "", true},
           {"a name", "redis-1", "", true},
           {"with a password", "10.0.0.1", "secret", false},
           {"loopback", "127.0.0.1", "", false},
           {"loopback, IPv6", "::1", "", false},
       }) {
    const CapturedLog log;
    daemon::WarnIfOpen({host, 6379}, {"", password}, "read all data", "REDIS_PASSWORD");
    EXPECT_EQ(log.text().find("no password") != std::string::npos, warns) << name;
    if (!warns) continue;
    EXPECT_THAT(log.text(), HasSubstr("can read all data; set REDIS_PASSWORD")) << name;
  }
}

}  // namespace
}  // namespace redis_zk::testing::exposure_test
