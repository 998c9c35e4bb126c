// What redis-wrapper makes of the user's redis.conf: what is replaced, what hinders, what cannot work.
#include "redis-wrapper/redis_conf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "redis-wrapper/dataset.h"
#include "unit/files.h"

namespace redis_zk::testing::redis_conf_test {
namespace {

using redis_wrapper::CheckRedisConf;
using redis_wrapper::DataFiles;
using redis_wrapper::ExplainRefusal;
using redis_wrapper::FindDataFiles;
using redis_wrapper::WrapperOptions;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class RedisConfTest : public ::testing::Test {
 protected:
  RedisConfTest() {
    options_.redis_conf = (dir_.path() / "redis.conf").string();
    options_.server.bind = {"10.0.0.1", 6379};
    options_.server.announce = {"192.0.2.1", 31000};
  }
  redis::Conf Conf(const std::string& text) const {
    WriteFile(options_.redis_conf, text);
    return redis::ReadConf(options_.redis_conf, dir_.path().string()).value();
  }
  redis::ConfFindings Check(const std::string& text) const { return CheckRedisConf(Conf(text), options_); }
  // "<file>:<number>: "
  std::string At(int number) const { return options_.redis_conf + ":" + std::to_string(number) + ": "; }

  const TempDir dir_;
  WrapperOptions options_;
};

TEST_F(RedisConfTest, WhatIsTheUsersToDecideIsNoFinding) {
  for (const char* line : {"",
                           "bind 10.0.0.1",
                           "port 6379",
                           "replica-announce-ip 192.0.2.1",
                           "slave-announce-port 31000",
                           "daemonize yes",
                           "supervised systemd",
                           "pidfile /run/x.pid",
                           "logfile \"\"",
                           "logfile /x.log",
                           "dir /data",
                           "appendonly yes",
                           "save \"\"",
                           "unixsocket /run/redis.sock",
                           "tls-port 6380",
                           "tls-replication no",
                           "cluster-enabled no",
                           "io-threads 4",
                           "loadmodule /m.so",
                           "aclfile /users.acl",
                           "user bob on >s3cret ~* +@all",
                           "requirepass s3cret",
                           "masterauth s3cret",
                           "masteruser bob",
                           "min-replicas-to-write 1",
                           "maxclients 10",
                           "replica-priority 0",
                           "replica-read-only no",
                           "protected-mode yes",
                           "replicaof no one",
                           "replica-announced yes",
                           "rename-command FLUSHALL \"\"",
                           "rename-command CONFIG CONFIG",
                           "rename-command config CONFIG",
                           "# bind 127.0.0.1"}) {
    const auto findings = Check(std::string(line) + "\n");
    EXPECT_THAT(findings.replaced, IsEmpty()) << line;
    EXPECT_THAT(findings.hinders, IsEmpty()) << line;
    EXPECT_EQ(findings.refusal, "") << line;
  }
}

TEST_F(RedisConfTest, WhatIsReplacedIsOneSentenceWithItsLine) {
  struct Row {
    const char* line;
    const char* sentence;
  };
  for (const auto& [line, sentence] : std::initializer_list<Row>{
           {"bind 127.0.0.1 -::1",
            "bind is not used: the server listens on 10.0.0.1 alone (NET_IFACE, BIND_IP)"},
           {"bind 10.0.0.1 127.0.0.1", "bind is not used: "},
           {"bind *", "bind is not used: "},
           {"port 7000", "port is not used: the server listens on port 6379 (PORT0)"},
           {"port 0", "port is not used: "},
           {"replica-announce-ip 10.9.9.9",
            "replica-announce-ip is not used: others are told 192.0.2.1 (ANNOUNCE_IP)"},
           {"slave-announce-ip 10.9.9.9", "replica-announce-ip is not used: "},
           {"replica-announce-port 1",
            "replica-announce-port is not used: others are told port 31000 (ANNOUNCE_PORT)"},
           {"replicaof 10.0.0.9 6379", "replicaof is not used: the role comes from ZooKeeper"},
           {"SLAVEOF 10.0.0.9 6379", "replicaof is not used: "}}) {
    const auto findings = Check("\nport 6379\n" + std::string(line) + "\n");
    EXPECT_THAT(findings.replaced, ElementsAre(StartsWith(At(3) + sentence))) << line;
    EXPECT_EQ(findings.refusal, "") << line;
  }
  EXPECT_THAT(Check("port 1\nport 2\nport 3\n").replaced, ElementsAre(StartsWith(At(3))))
      << "the last one counts";
  EXPECT_THAT(Check("port 1\nport 6379\n").replaced, IsEmpty());
}

TEST_F(RedisConfTest, PasswordsOfTheOptionsWinAndAreNotShown) {
  const std::string conf = "requirepass s3cret\nmasterauth s3cret\nmasteruser s3cret\n";
  EXPECT_THAT(Check(conf).replaced, IsEmpty());
  options_.common.credentials.redis = redis::Credentials{"", "d1fferent"};
  EXPECT_THAT(Check(conf).replaced,
              ElementsAre(StartsWith(At(1) + "requirepass"), StartsWith(At(3) + "masteruser"),
                          StartsWith(At(2) + "masterauth")));
  for (const auto& sentence : Check(conf).replaced)
    EXPECT_THAT(sentence, AllOf(Not(HasSubstr("s3cret")), Not(HasSubstr("d1fferent"))));
  options_.common.credentials.redis = redis::Credentials{"", "s3cret"};
  EXPECT_THAT(Check(conf).replaced, ElementsAre(StartsWith(At(3) + "masteruser")));
  options_.common.credentials.redis = redis::Credentials{"s3cret", "s3cret"};
  EXPECT_THAT(Check(conf + "requirepass another\n").replaced, IsEmpty())
      << "a named user's rules are the user's";
}

TEST_F(RedisConfTest, WhatCannotWorkIsRefusedWithItsLine) {
  struct Row {
    const char* line;
    const char* sentence;
  };
  options_.common.credentials.redis = redis::Credentials{"", "other"};
  for (const auto& [line, sentence] : std::initializer_list<Row>{
           {"cluster-enabled yes", "cluster-enabled cannot work: Redis Cluster"},
           {"Cluster-Enabled \"YES\"", "cluster-enabled cannot work: Redis Cluster"},
           {"tls-replication yes", "tls-replication cannot work: "},
           {"tls-port 6379", "tls-port cannot work: the server listens on this port without TLS"},
           {"aclfile /users.acl\nuser bob on", "aclfile cannot work: "},
           {"rename-command INFO \"\"", "rename-command INFO cannot work: "},
           {"rename-command info s3cret-info", "rename-command INFO cannot work: "},
           {"rename-command PING x", "rename-command PING cannot work: Sentinel"},
           {"rename-command PSYNC \"\"", "rename-command PSYNC cannot work: replicas"},
           {"rename-command AUTH \"\"", "rename-command AUTH cannot work: "}}) {
    EXPECT_THAT(Check("port 6379\n" + std::string(line) + "\n").refusal, StartsWith(At(2) + sentence))
        << line;
    EXPECT_THAT(Check(line).refusal, Not(HasSubstr("s3cret")));
  }
  EXPECT_THAT(Check("cluster-enabled yes\ncluster-enabled no\n").refusal, "") << "the last one counts";
  options_.common.credentials.redis = {};
  EXPECT_EQ(Check("rename-command AUTH \"\"\n").refusal, "") << "nobody needs it";
}

TEST_F(RedisConfTest, WhatHindersIsToldWithWhatWillNotWork) {
  struct Row {
    const char* line;
    const char* sentence;
  };
  for (const auto& [line, sentence] : std::initializer_list<Row>{
           {"rename-command CONFIG \"\"", "rename-command CONFIG: there is no fence"},
           {"rename-command Config s3cret", "rename-command CONFIG: there is no fence"},
           {"rename-command REPLICAOF \"\"", "rename-command REPLICAOF: the server cannot follow"},
           {"rename-command SLAVEOF \"\"", "rename-command SLAVEOF: Sentinel cannot fail over"},
           {"rename-command CLIENT \"\"", "rename-command CLIENT: a handover"},
           {"rename-command REPLCONF \"\"", "rename-command REPLCONF: Sentinel cannot find"},
           {"rename-command MULTI \"\"", "rename-command MULTI: "},
           {"rename-command EXEC \"\"", "rename-command EXEC: "},
           {"rename-command PUBLISH \"\"", "rename-command PUBLISH: Sentinels"},
           {"rename-command SUBSCRIBE \"\"", "rename-command SUBSCRIBE: Sentinels"},
           {"rename-command BGSAVE \"\"", "rename-command BGSAVE: "},
           {"replica-announced no", "replica-announced: Sentinel is not told"}}) {
    const auto findings = Check("port 6379\n" + std::string(line) + "\n");
    EXPECT_THAT(findings.hinders, ElementsAre(StartsWith(At(2) + sentence))) << line;
    EXPECT_EQ(findings.refusal, "") << line;
    EXPECT_THAT(findings.hinders, Not(Contains(HasSubstr("s3cret"))));
  }
}

TEST_F(RedisConfTest, ARefusalIsExplainedByItsCause) {
  struct Row {
    const char* name;
    const char* said;
    const char* sentence;
  };
  const auto conf = Conf("requirepass s3cret\nuser default on >s3cret\nprotected-mode yes\n");
  for (const auto& [name, said, sentence] : std::initializer_list<Row>{
           {"another password", "10.0.0.1:6379 refused the password: WRONGPASS invalid",
            "refuses REDIS_USERNAME and REDIS_PASSWORD; make them match REDIS_CONF; see "},
           {"none", "10.0.0.1:6379: NOAUTH Authentication required.",
            "refuses REDIS_USERNAME and REDIS_PASSWORD"},
           {"no AUTH", "10.0.0.1:6379 refused the password: ERR unknown command", "refuses REDIS_USERNAME"},
           {"no INFO", "10.0.0.1:6379: ERR unknown command 'info'",
            "does not know INFO; remove its rename-command"},
           {"no right", "10.0.0.1:6379: NOPERM this user has no permissions to run the 'info' command",
            "does not let REDIS_USERNAME run INFO"},
           {"protected mode", "10.0.0.1:6379: DENIED Redis is running in protected mode because",
            "is in protected mode and refuses every other host; set REDIS_PASSWORD, or protected-mode no "
            "in "}}) {
    const auto sentence_found = ExplainRefusal({ErrorKind::kRefused, said}, conf, options_);
    EXPECT_THAT(sentence_found, HasSubstr(sentence)) << name;
    EXPECT_THAT(sentence_found, Not(HasSubstr("s3cret"))) << name;
  }
  const Error wrong{ErrorKind::kRefused, "x refused the password: WRONGPASS"};
  EXPECT_THAT(ExplainRefusal(wrong, conf, options_),
              HasSubstr("; see " + At(1) + "requirepass, " + At(2) + "user: x refused"));
  EXPECT_THAT(ExplainRefusal(wrong, Conf(""), options_), Not(HasSubstr("; see ")));
  const Error denied{ErrorKind::kRefused, "DENIED Redis is running in protected mode"};
  EXPECT_THAT(ExplainRefusal(denied, conf, options_), EndsWith(options_.redis_conf + ":3"));
  EXPECT_THAT(ExplainRefusal(denied, Conf(""), options_), EndsWith(options_.redis_conf));
}

// The lines that matter here of the files that people start from; PORT0 and addresses as in their defaults.
TEST_F(RedisConfTest, FilesThatPeopleHave) {
  struct Row {
    const char* name;
    std::string text;
    std::vector<std::string> replaced;  // directives
    DataFiles files;
  };
  const std::string stock = "bind 127.0.0.1\nprotected-mode yes\nport 6379\ntcp-backlog 511\n";
  const std::string saves = "save 900 1\nsave 300 10\nsave 60 10000\n";
  for (const auto& [name, text, replaced, files] : std::initializer_list<Row>{
           {"redis.conf of 5.0",
            stock + "daemonize no\nsupervised no\npidfile /var/run/redis_6379.pid\nlogfile \"\"\n" + saves +
                "dbfilename dump.rdb\ndir /data/./\nreplica-priority 100\nappendonly no\n"
                "appendfilename \"appendonly.aof\"\nhash-max-ziplist-entries 512\n",
            {"bind"},
            {.dir = "/data"}},
           {"redis.conf of 6.0",
            stock + "daemonize no\nsupervised no\n" + saves +
                "rdb-del-sync-files no\ndir /data\noom-score-adj no\nappendonly no\nacllog-max-len 128\n",
            {"bind"},
            {.dir = "/data"}},
           {"redis.conf of 6.2",
            "bind 127.0.0.1 -::1\nport 6379\ndaemonize no\npidfile /var/run/redis_6379.pid\n"
            "proc-title-template \"{title} {listen-addr} {server-mode}\"\ndir /data\nappendonly no\n",
            {"bind"},
            {.dir = "/data"}},
           {"redis.conf of 7.0 to 8",
            "bind 127.0.0.1 -::1\nprotected-mode yes\nport 6379\ndaemonize no\nlogfile \"\"\ndir /data\n"
            "appendonly no\nappendfilename \"appendonly.aof\"\nappenddirname \"appendonlydir\"\n"
            "notify-keyspace-events \"\"\nclient-output-buffer-limit normal 0 0 0\n",
            {"bind"},
            {.dir = "/data"}},
           {"Debian 12 and 13",
            "bind 127.0.0.1 -::1\nprotected-mode yes\nport 6379\ndaemonize yes\n"
            "pidfile /run/redis/redis-server.pid\nlogfile /var/log/redis/redis-server.log\n"
            "dir /var/lib/redis\nappendonly no\nappendfilename \"appendonly.aof\"\n",
            {"bind"},
            {.dir = "/var/lib/redis"}},
           {"the Docker library, which has no file: what its entry point gives", "", {}, {.dir = ""}},
           {"Bitnami",
            "bind 0.0.0.0 ::\nprotected-mode no\nport 6379\ndaemonize yes\n"
            "pidfile /opt/bitnami/redis/tmp/redis.pid\nlogfile \"\"\ndir /bitnami/redis/data\nsave \"\"\n"
            "appendonly yes\nrename-command FLUSHDB \"\"\nrename-command FLUSHALL \"\"\n",
            {"bind"},
            {.dir = "/bitnami/redis/data", .append_only = true, .snapshots = false}}}) {
    const auto findings = Check(text);
    ASSERT_EQ(findings.replaced.size(), replaced.size()) << name;
    for (std::size_t i = 0; i < replaced.size(); ++i)
      EXPECT_THAT(findings.replaced[i], HasSubstr(": " + replaced[i] + " is not used")) << name;
    EXPECT_THAT(findings.hinders, IsEmpty()) << name;
    EXPECT_EQ(findings.refusal, "") << name;
    auto expected = files;
    if (expected.dir.empty()) expected.dir = dir_.path().string();
    EXPECT_EQ(FindDataFiles(options_.redis_conf, dir_.path().string()), expected) << name;
  }
}

}  // namespace
}  // namespace redis_zk::testing::redis_conf_test
