#include "zookeeper/survey.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "support/listener.h"

namespace redis_zk::testing::survey_test {
namespace {

using ::testing::StartsWith;
using zookeeper::DescribeServer;
using zookeeper::SurveyServers;

TEST(SurveyTest, SaysWhatAServerSays) {
  struct Case {
    const char* name;
    std::string answer, said;
  };
  for (const auto& [name, answer, said] : {
           Case{"serves", "Zookeeper version: 3.8\nMode: follower\nNode count: 5\n", "serves (follower)"},
           Case{"read-only", "Zookeeper version: 3.8\nMode: read-only\nNode count: 5\n",
                "is read-only: most of its ensemble is missing"},
           Case{"no majority", "This ZooKeeper instance is not currently serving requests\n",
                "does not serve: it starts, or most of its ensemble is missing"},
           Case{"not on the whitelist", "srvr is not executed because it is not in the whitelist.\n",
                "takes connections"},
           Case{"another program", "HTTP/1.1 400 Bad Request\r\n\r\n", "takes connections"},
           Case{"garbage as its mode", "\nMode: \x01\n", "serves (?)"},
           Case{"hung up", "", "closes connections at once: see its maxClientCnxns and its log"},
       }) {
    SCOPED_TRACE(name);
    EXPECT_EQ(DescribeServer(answer), said);
  }
}

TEST(SurveyTest, AsksAllAtOnce) {
  const Listener silent;
  const std::string address = "127.0.0.1:" + std::to_string(silent.port());
  const TimePoint began = Clock::now();
  EXPECT_EQ(SurveyServers({address, "127.0.0.1:1", address}, 200ms),
            "127.0.0.1:1: Connection refused; " + address + " does not answer")
      << "in the same order each time, and once each";
  EXPECT_LT(Clock::now() - began, 5s);
  EXPECT_EQ(SurveyServers({}, 200ms), "");
  // With or without IPv6 on this machine.
  EXPECT_THAT(SurveyServers({"::1:1"}, 200ms), StartsWith("[::1]:1: "));
}

}  // namespace
}  // namespace redis_zk::testing::survey_test
