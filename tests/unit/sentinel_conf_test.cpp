// The user's sentinel.conf: what is left out, what hinders, what cannot work.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

#include "unit/sentinel_conf_fixture.h"

namespace redis_zk::testing::sentinel_conf_test {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(SentinelConfTest, TakesOverWhatTheUsersFileIncludes) {
  const TempDir dir;
  WriteFile(dir.path() / "more.conf", "sentinel monitor master1 10.0.0.1 6379 2\nloglevel verbose\n");
  WriteFile(dir.path() / "users.conf", "requirepass x\n");
  const std::string text = "include " + dir.path().string() + "/more.conf\n";
  auto conf = Render(text);
  EXPECT_EQ(UsersPart(conf), "loglevel verbose\n");
  EXPECT_TRUE(conf.own_user);
  EXPECT_THAT(conf.findings.replaced,
              ElementsAre(HasSubstr("more.conf:1: sentinel monitor is not used: the master")));
  conf = Render(text + "include " + dir.path().string() + "/users.conf\n");
  EXPECT_FALSE(conf.own_user) << "it has users of its own";
  EXPECT_EQ(UsersPart(conf), "loglevel verbose\nrequirepass x\n");
}

TEST(SentinelConfTest, KeepsNoCommentAndTrimsAsRedisDoes) {
  EXPECT_EQ(
      UsersPart(Render("# it's\n\n  \tloglevel   verbose \r\n# sentinel monitor master1 10.0.0.1 6379 2\n")),
      "loglevel   verbose\n");
}

TEST(SentinelConfTest, LeavesOutTheStockFileOfDebianInOneSentence) {
  // Debian 12; of its neighbours, the capitals are missing before 6.2, and the last line before 7.0.
  const auto conf = Render(
      "protected-mode no\nport 26379\ndaemonize yes\npidfile /run/sentinel/redis-sentinel.pid\n"
      "logfile /var/log/redis/redis-sentinel.log\ndir /var/lib/redis\n"
      "sentinel monitor mymaster 127.0.0.1 6379 2\nsentinel down-after-milliseconds mymaster 30000\n"
      "acllog-max-len 128\nsentinel parallel-syncs mymaster 1\nsentinel failover-timeout mymaster 180000\n"
      "sentinel deny-scripts-reconfig yes\nSENTINEL resolve-hostnames no\nSENTINEL announce-hostnames no\n"
      "SENTINEL master-reboot-down-after-period mymaster 0\n");
  EXPECT_THAT(
      conf.findings.replaced,
      ElementsAre(HasSubstr(":7: sentinel monitor is not used: mymaster is at 127.0.0.1, which is another "
                            "server on every host (4 more such lines)")));
  EXPECT_EQ(
      UsersPart(conf),
      "protected-mode no\npidfile /run/sentinel/redis-sentinel.pid\n"
      "logfile /var/log/redis/redis-sentinel.log\ndir /var/lib/redis\nacllog-max-len 128\n"
      "sentinel deny-scripts-reconfig yes\nSENTINEL resolve-hostnames no\nSENTINEL announce-hostnames no\n");
}

TEST(SentinelConfTest, MonitorsNoServerOfOursUnderTwoNames) {
  const auto conf =
      Render("sentinel monitor mymaster 10.0.0.7 6379 2\nsentinel monitor other 10.0.0.7 6380 2\n", Wrapper(),
             WithOrders());
  EXPECT_THAT(conf.findings.replaced, ElementsAre(HasSubstr("10.0.0.7:6379, a server of the group orders")));
  EXPECT_EQ(UsersPart(conf), "sentinel monitor other 10.0.0.7 6380 2\n");
}

TEST(SentinelConfTest, ThePasswordOfTheOptionsWinsAndIsNotShown) {
  const std::string users =
      "requirepass s3cret\nsentinel sentinel-pass s3cret\nsentinel sentinel-user s3cret\n";
  EXPECT_EQ(UsersPart(Render(users)), users);
  EXPECT_THAT(Render(users).findings.replaced, IsEmpty());
  auto wrapper = Wrapper();
  wrapper.common.credentials.sentinel = redis::Credentials{"", "other"};
  const auto conf = Render(users, wrapper);
  EXPECT_EQ(UsersPart(conf), "");
  EXPECT_THAT(conf.findings.replaced,
              ElementsAre(HasSubstr(":1: requirepass"), HasSubstr(":2: sentinel sentinel-pass"),
                          HasSubstr(":3: sentinel sentinel-user")));
  EXPECT_THAT(conf.findings.replaced, Each(Not(HasSubstr("s3cret"))));
}

TEST(SentinelConfTest, ListensWithTlsAloneWhereItIsOn) {
  auto wrapper = Wrapper();
  wrapper.common.redis_tls = {
      .on = true, .files = {.ca = "/ca.pem", .certificate = "/node.crt", .key = "/node.key", .serves = true}};
  const auto conf =
      Render("port 26380\ntls-port 26381\ntls-replication no\ntls-cert-file /other\ntls-auth-clients yes\n",
             wrapper);
  EXPECT_EQ(UsersPart(conf), "tls-auth-clients yes\n");
  EXPECT_EQ(conf.findings.replaced.size(), 4U);
  const auto directives = Directives(conf.text);
  for (const auto& words : std::vector<Words>{{"port", "0"},
                                              {"tls-port", "26379"},
                                              {"tls-replication", "yes"},
                                              {"tls-ca-cert-file", "/ca.pem"},
                                              {"tls-cert-file", "/node.crt"},
                                              {"tls-key-file", "/node.key"}})
    EXPECT_THAT(directives, ::testing::Contains(words).Times(1));
}

TEST(SentinelConfTest, RefusesWhatCannotWorkAndTellsWhatHinders) {
  struct Row {
    const char* line;
    const char* refusal;
    const char* hinders;
  };
  auto wrapper = Wrapper();
  wrapper.common.credentials.sentinel = redis::Credentials{"", "other"};
  for (const auto& [line, refusal, hinders] : std::initializer_list<Row>{
           {"tls-replication yes", ":2: tls-replication cannot work", nullptr},
           {"tls-port 26379", ":2: tls-port cannot work", nullptr},
           {"tls-port 26380", nullptr, nullptr},
           {"rename-command SENTINEL \"\"", ":2: rename-command SENTINEL cannot work", nullptr},
           {"rename-command info x", ":2: rename-command INFO cannot work", nullptr},
           {"rename-command PING x", ":2: rename-command PING cannot work", nullptr},
           {"rename-command AUTH x", ":2: rename-command AUTH cannot work", nullptr},
           {"rename-command PUBLISH x", nullptr, ":2: rename-command PUBLISH: "},
           {"rename-command PSUBSCRIBE x", nullptr, ":2: rename-command PSUBSCRIBE: "},
           {"rename-command SUBSCRIBE x", nullptr, ":2: rename-command SUBSCRIBE: "},
           {"rename-command SHUTDOWN x", nullptr, nullptr},
           {"sentinel rename-command master1 CONFIG x", nullptr, nullptr}}) {
    const auto findings = Render("dir /data\n" + std::string(line) + "\n", wrapper).findings;
    EXPECT_EQ(findings.refusal.empty(), refusal == nullptr) << line;
    EXPECT_THAT(findings.refusal, HasSubstr(refusal != nullptr ? refusal : ""));
    EXPECT_EQ(findings.hinders.empty(), hinders == nullptr) << line;
    for (const auto& sentence : findings.hinders)
      EXPECT_THAT(sentence, HasSubstr(hinders != nullptr ? hinders : ""));
  }
}

}  // namespace
}  // namespace redis_zk::testing::sentinel_conf_test
