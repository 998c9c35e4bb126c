#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <vector>

#include "unit/sentinel_conf_fixture.h"

namespace redis_zk::testing::sentinel_server_conf_test {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(SentinelServerConfTest, AddsWhatOnlyTheWrapperKnows) {
  const auto conf = Render("");
  EXPECT_EQ(UsersPart(conf), "");
  EXPECT_THAT(conf.findings.replaced, IsEmpty());
  EXPECT_THAT(
      OwnPart(conf),
      ElementsAre(Words{"bind", "10.0.0.1"}, Words{"port", "26379"}, Words{"daemonize", "no"},
                  Words{"sentinel", "announce-ip", "192.0.2.1"}, Words{"sentinel", "announce-port", "31000"},
                  Words{"sentinel", "myid", kSentinelId}, Words{"sentinel", "current-epoch", "0"},
                  Words{"sentinel", "monitor", "master1", "10.0.0.9", "6380", "2"},
                  Words{"sentinel", "config-epoch", "master1", "0"},
                  Words{"sentinel", "leader-epoch", "master1", "0"},
                  Words{"user", "default", "on", "nopass", "~*", "&*", "+@all", "-publish"},
                  Words{"user", "redis-zk", "on", ">2f72", "~*", "&*", "+@all"},
                  Words{"sentinel", "sentinel-user", "redis-zk"},
                  Words{"sentinel", "sentinel-pass", "2f72"}));
}

TEST(SentinelServerConfTest, LetsOnlyItsOwnDeploymentSayHello) {
  auto wrapper = Wrapper();
  const auto password_of = [&wrapper](const char* user_conf) {
    return Render(user_conf, wrapper).hello.password;
  };
  const std::string first = password_of("");
  wrapper.common.zk_root = "/redis2";
  EXPECT_NE(password_of(""), first);
  EXPECT_THAT(OwnPart(Render("", wrapper)), Contains(Words{"sentinel", "sentinel-pass", password_of("")}));
  for (const char* users :
       {"requirepass x", "user default on nopass ~* &* +@all", "aclfile /etc/redis/users.acl",
        "sentinel sentinel-user me", " SENTINEL sentinel-pass x", R"("requirepass" x)",
        R"('User' default on)", R"(require"pass" x)", R"(sentinel "sentinel-pass" x)"}) {
    EXPECT_EQ(password_of(users), "") << users;
    EXPECT_FALSE(Render(users, wrapper).own_user) << users;
    EXPECT_THAT(OwnPart(Render(users, wrapper)), Each(Not(Contains("redis-zk")))) << users;
  }
  wrapper.common.credentials.sentinel = redis::Credentials{"", "for Sentinel"};
  EXPECT_EQ(password_of(""), "for Sentinel");
  EXPECT_THAT(OwnPart(Render("", wrapper)), Each(Not(Contains("redis-zk"))));
}

TEST(SentinelServerConfTest, AcceptsBothPasswordsWhileTheyChange) {
  auto wrapper = Wrapper();
  wrapper.common.credentials = {.redis = redis::Credentials{"", "new r", "old r"},
                                .sentinel = redis::Credentials{"", "new s", "old s"}};
  const Words both{"user", "default", "on", ">new s", ">old s", "~*", "&*", "+@all"};
  auto conf = Render("", wrapper);
  EXPECT_TRUE(conf.own_user);
  EXPECT_THAT(OwnPart(conf), Contains(both));
  EXPECT_THAT(OwnPart(conf), Contains(Words{"sentinel", "sentinel-pass", "new s"}));
  EXPECT_THAT(OwnPart(conf), Contains(Words{"sentinel", "auth-pass", "master1", "new r"}));
  EXPECT_EQ(conf.hello.old_password, "old s");
  // What the others accept.
  Monitoring monitoring = Alone();
  monitoring.sentinel_pass = "old s";
  monitoring.groups[0].auth_pass = "old r";
  conf = Render("", wrapper, monitoring);
  EXPECT_THAT(OwnPart(conf), Contains(both));
  EXPECT_THAT(OwnPart(conf), Contains(Words{"sentinel", "sentinel-pass", "old s"}));
  EXPECT_THAT(OwnPart(conf), Contains(Words{"sentinel", "auth-pass", "master1", "old r"}));
  // Before 6.2.
  conf = Render("", wrapper, monitoring, false);
  EXPECT_FALSE(conf.own_user);
  EXPECT_THAT(OwnPart(conf), Not(Contains(both)));
  EXPECT_THAT(OwnPart(conf), Contains(Words{"requirepass", "old s"}));
  EXPECT_FALSE(Render("user default on >x", wrapper).own_user) << "that is the user's";
}

TEST(SentinelServerConfTest, MakesNoUserForAnOldRedis) {
  const auto conf = Render("", Wrapper(), Alone(), false);
  EXPECT_FALSE(conf.own_user);
  EXPECT_EQ(conf.hello.username + conf.hello.password, "");
  EXPECT_THAT(OwnPart(conf), Each(Not(Contains("redis-zk"))));
  EXPECT_THAT(OwnPart(conf), Each(Not(Contains("user"))));
}

TEST(SentinelServerConfTest, SaysWhatOnlyALivingMasterWould) {
  Monitoring monitoring = Alone();
  monitoring.epoch = 12;
  monitoring.groups[0].config_epoch = 9;
  monitoring.groups[0].replicas = {{"10.0.0.7", 6379}, {"2001:db8::8", 6381}};
  monitoring.peers = {{{"10.0.0.2", 26379}, std::string(40, 'b')},
                      {{"10.0.0.3", 26380}, std::string(40, 'c')}};
  const auto own = OwnPart(Render("", Wrapper(), monitoring));
  const std::vector<Words> tail(own.begin() + 6, own.end() - 4);
  // The group's lines after its monitor line.
  EXPECT_THAT(
      tail,
      ElementsAre(Words{"sentinel", "current-epoch", "12"},
                  Words{"sentinel", "monitor", "master1", "10.0.0.9", "6380", "2"},
                  Words{"sentinel", "config-epoch", "master1", "9"},
                  Words{"sentinel", "leader-epoch", "master1", "12"},
                  Words{"sentinel", "known-replica", "master1", "10.0.0.7", "6379"},
                  Words{"sentinel", "known-replica", "master1", "2001:db8::8", "6381"},
                  Words{"sentinel", "known-sentinel", "master1", "10.0.0.2", "26379", std::string(40, 'b')},
                  Words{"sentinel", "known-sentinel", "master1", "10.0.0.3", "26380", std::string(40, 'c')}));
}

TEST(SentinelServerConfTest, PutsNoStateOfTheUsersBesideOurs) {
  Monitoring monitoring = Alone();
  monitoring.epoch = 12;
  const auto conf =
      Render("sentinel current-epoch 99\nsentinel leader-epoch master1 99\n", Wrapper(), monitoring);
  EXPECT_THAT(conf.findings.replaced, ElementsAre(HasSubstr("earlier Sentinel (1 more such lines)")));
  EXPECT_THAT(conf.text, Not(HasSubstr("99")));
}

TEST(SentinelServerConfTest, KeepsTheUsersLinesAsTheyAre) {
  for (const std::string& line : {std::string("protected-mode no"),
                                  std::string("dir /data"),
                                  std::string("loglevel   verbose"),
                                  std::string("sentinel down-after-milliseconds master1 1000"),
                                  std::string("SENTINEL failover-timeout master1 10000"),
                                  std::string("sentinel parallel-syncs master1 1"),
                                  std::string("sentinel auth-pass master1 \"a b\""),
                                  std::string("sentinel resolve-hostnames no"),
                                  std::string("sentinel announce-hostnames no"),
                                  std::string("sentinel deny-scripts-reconfig yes"),
                                  std::string("sentinel notification-script master1 /x.sh"),
                                  std::string("unixsocket /run/sentinel.sock"),
                                  std::string("\"sentinel\" \"failover-timeout\" \"master1\" \"1\\x30\""),
                                  std::string("rename-command SHUTDOWN \"\""),
                                  std::string("aclfile /etc/users.acl"),
                                  std::string("requirepass \"it's # mine\""),
                                  std::string("sentinel"),
                                  std::string("sentinel monitor other 10.0.0.8 6379 2"),
                                  std::string("sentinelmonitor master1"),
                                  std::string("nonsense that Sentinel itself will refuse")}) {
    const auto conf = Render(line + '\n');
    EXPECT_EQ(UsersPart(conf), line + '\n');
    EXPECT_THAT(conf.findings.replaced, IsEmpty()) << line;
  }
}

TEST(SentinelServerConfTest, LeavesOutWhatConflictsAndSaysWhy) {
  struct Row {
    const char* name;
    std::string line;
    const char* why;
  };
  for (const auto& [name, line, why] : std::initializer_list<Row>{
           {"the group's master", "sentinel monitor master1 10.0.0.1 6379 2", "comes from ZooKeeper"},
           {"in capitals", "SENTINEL MONITOR master1 10.0.0.1 6379 2", "comes from ZooKeeper"},
           {"indented", " \tsentinel \t monitor  master1 10.0.0.1 6379 2", "comes from ZooKeeper"},
           {"cut off", "sentinel monitor master1", "comes from ZooKeeper"},
           {"carriage return", "sentinel monitor master1 10.0.0.1 6379 2\r", "comes from ZooKeeper"},
           {"in quotes", R"("sentinel" "monitor" "master1" 10.0.0.1 6379 2)", "comes from ZooKeeper"},
           {"Debian's placeholder", "sentinel monitor mymaster 127.0.0.1 6379 2",
            ":2: sentinel monitor is not used: mymaster is at 127.0.0.1, which is another server on every "
            "host"},
           {"loopback by name", "sentinel monitor mymaster localhost 6379 2", "another server on every host"},
           {"loopback of IPv6", "sentinel monitor mymaster 0:0::1 6379 2", "mymaster is at ::1"},
           {"our master under another name", "sentinel monitor mymaster 10.0.0.9 6380 2",
            "mymaster is at 10.0.0.9:6380, a server of the group master1"},
           {"another address", "bind 127.0.0.1", "bind is not used: the Sentinel listens on 10.0.0.1 alone"},
           {"several addresses", "bind 10.0.0.1 -::1 127.0.0.1", "bind is not used"},
           {"another port", "port 5", "port is not used: the Sentinel listens on port 26379 (PORT0)"},
           {"another announced address", "sentinel announce-ip 10.1.1.1",
            "sentinel announce-ip is not used: others are told 192.0.2.1 (ANNOUNCE_IP)"},
           {"another announced port", "SENTINEL Announce-Port 1",
            "sentinel announce-port is not used: others are told port 31000 (ANNOUNCE_PORT)"},
           {"identity", "sentinel myid " + std::string(40, 'b'),
            "sentinel myid is not used: it is state of an earlier"},
           {"epoch", "sentinel current-epoch 7", "sentinel current-epoch is not used: it is state"},
           {"group's epoch", "sentinel config-epoch master1 7",
            "sentinel config-epoch is not used: it is state"},
           {"leader's epoch", "sentinel leader-epoch master1 7",
            "sentinel leader-epoch is not used: it is state"},
           {"replica", "sentinel known-replica master1 10.0.0.1 6379",
            "sentinel known-replica is not used: it is state"},
           {"replica, old word", "sentinel known-slave master1 10.0.0.1 6379",
            "sentinel known-replica is not used"},
           {"Sentinel", "sentinel known-sentinel master1 10.0.0.1 26379 " + kSentinelId,
            "sentinel known-sentinel is not used"},
           {"state in capitals", "Sentinel MyId x", "sentinel myid is not used: it is state"},
           {"nobody's timeout", "sentinel failover-timeout mymaster 1000",
            "the group mymaster is not monitored"},
           {"nobody's password", "sentinel auth-pass mymaster secret", "the group mymaster is not monitored"},
           {"other case", "sentinel parallel-syncs Master1 1", "the group Master1 is not monitored"}}) {
    const auto conf = Render("loglevel notice\n" + line + "\ndir /data\n");
    EXPECT_EQ(UsersPart(conf), "loglevel notice\ndir /data\n") << name;
    EXPECT_THAT(conf.findings.replaced, ElementsAre(HasSubstr(why))) << name;
    EXPECT_THAT(conf.findings.replaced, Not(Contains(HasSubstr("secret")))) << name;
  }
}

TEST(SentinelServerConfTest, KeepsWhatSpeaksOfAnotherMonitoredGroup) {
  // In either order: Sentinel, too, reads the monitor lines first.
  const std::string text =
      "sentinel failover-timeout other 1000\n"
      "sentinel monitor other 10.0.0.8 6379 2\n"
      "sentinel down-after-milliseconds other 1000\n";
  const auto conf = Render(text);
  EXPECT_EQ(UsersPart(conf), text);
  EXPECT_THAT(conf.findings.replaced, IsEmpty());
}

// The lines about a group that the wrapper has added.
std::vector<Words> AddedOf(const ServerConf& conf, const std::string& group) {
  std::vector<Words> lines;
  for (const auto& words : OwnPart(conf)) {
    if (words.size() > 2 && words[2] == group) lines.push_back({words.begin() + 1, words.end()});
  }
  return lines;
}

TEST(SentinelServerConfTest, SaysOfEveryGroupWhatItKnows) {
  Monitoring monitoring = WithOrders();
  monitoring.epoch = 9;
  monitoring.peers = {{{"10.0.0.2", 26379}, std::string(40, 'b')}};
  const auto conf = Render("sentinel monitor orders 10.0.0.1 6379 2\n", Wrapper(), monitoring);
  EXPECT_THAT(conf.findings.replaced, ElementsAre(HasSubstr("the master of orders comes from ZooKeeper")));
  EXPECT_THAT(
      AddedOf(conf, "orders"),
      ElementsAre(Words{"monitor", "orders", "10.0.0.8", "6379", "2"}, Words{"config-epoch", "orders", "4"},
                  Words{"leader-epoch", "orders", "9"}, Words{"known-replica", "orders", "10.0.0.7", "6379"},
                  Words{"known-sentinel", "orders", "10.0.0.2", "26379", std::string(40, 'b')}));
}

TEST(SentinelServerConfTest, SetsEveryGroupAsTheFirst) {
  struct Row {
    const char* name;
    std::string user_conf;
    std::int64_t down_after_ms;
    std::string password;
    std::string username;
    std::vector<Words> settings;  // of orders
  };
  const std::string first =
      "sentinel down-after-milliseconds master1 1500\nSENTINEL Failover-Timeout master1 10000\n"
      "sentinel auth-pass master1 \"a b\"\nsentinel resolve-hostnames no\n";
  for (const auto& [name, user_conf, down_after_ms, password, username, settings] :
       std::initializer_list<Row>{
           {"nothing is said", "", 0, "", "", {}},
           {"as the user's lines about the first say",
            first,
            0,
            "",
            "",
            {{"down-after-milliseconds", "orders", "1500"},
             {"failover-timeout", "orders", "10000"},
             {"auth-pass", "orders", "a b"}}},
           {"its own lines win",
            first + "sentinel failover-timeout orders 3000\n",
            0,
            "",
            "",
            {{"down-after-milliseconds", "orders", "1500"}, {"auth-pass", "orders", "a b"}}},
           {"as the options say",
            "",
            750,
            "pw",
            "sen",
            {{"down-after-milliseconds", "orders", "750"},
             {"auth-user", "orders", "sen"},
             {"auth-pass", "orders", "pw"}}},
           {"its own lines win over the options, and user and password belong together",
            "sentinel down-after-milliseconds orders 3000\nsentinel auth-pass orders own\n",
            750,
            "pw",
            "sen",
            {}},
           {"not as a third group",
            "sentinel monitor third 10.0.0.3 6379 2\nsentinel failover-timeout third 1\n",
            0,
            "",
            "",
            {}}}) {
    auto wrapper = Wrapper();
    wrapper.down_after_ms = down_after_ms;
    wrapper.common.credentials.redis = redis::Credentials{username, password};
    const auto conf = Render(user_conf, wrapper, WithOrders());
    EXPECT_THAT(conf.findings.replaced, IsEmpty()) << name;
    const auto added = AddedOf(conf, "orders");
    ASSERT_EQ(added.size(), settings.size() + 4) << name;
    EXPECT_EQ(std::vector<Words>(added.begin() + 1, added.end() - 3), settings) << name;
  }
}

TEST(SettingsOfTest, SaysWhileSentinelRunsWhatTheFileWouldSay) {
  struct Row {
    const char* name;
    std::string user_conf;
    std::vector<Words> settings;
  };
  for (const auto& [name, user_conf, settings] : std::initializer_list<Row>{
           {"the options alone", "", {{"down-after-milliseconds", "750"}, {"auth-pass", "p w"}}},
           {"the first group's, and the options over them",
            "sentinel down-after-milliseconds master1 1500\nsentinel parallel-syncs master1 2\n",
            {{"down-after-milliseconds", "1500"},
             {"parallel-syncs", "2"},
             {"down-after-milliseconds", "750"},
             {"auth-pass", "p w"}}},
           {"its own",
            "sentinel down-after-milliseconds orders 9000\nsentinel auth-pass orders \"o w n\"\n",
            {{"down-after-milliseconds", "9000"}, {"auth-pass", "o w n"}}},
           {"two words",
            "sentinel rename-command master1 CONFIG \"\"\n",
            {{"rename-command", "CONFIG", ""}, {"down-after-milliseconds", "750"}, {"auth-pass", "p w"}}},
           {"no monitor line, no state, no other group",
            "sentinel monitor orders 10.0.0.1 6379 2\nsentinel config-epoch orders 7\n"
            "sentinel failover-timeout third 1\nloglevel verbose\n",
            {{"down-after-milliseconds", "750"}, {"auth-pass", "p w"}}}}) {
    auto wrapper = Wrapper();
    wrapper.down_after_ms = 750;
    wrapper.common.credentials.redis = redis::Credentials{"", "p w"};
    std::vector<Words> found;
    for (const auto& [directive, values] :
         sentinel_wrapper::SettingsOf(UsersConf(user_conf), wrapper, "orders")) {
      found.push_back({directive});
      found.back().insert(found.back().end(), values.begin(), values.end());
    }
    EXPECT_EQ(found, settings) << name;
  }
}

TEST(SentinelServerConfTest, KeepsTheOrderAndEndsTheLastLine) {
  const auto conf = Render("a\n\nb\nsentinel myid x\nc");
  EXPECT_EQ(UsersPart(conf), "a\nb\nc\n");
  EXPECT_EQ(UsersPart(Render("a\r\nb\r\n")), "a\nb\n");
}

TEST(SentinelServerConfTest, MonitorsTheGroupExactlyOnce) {
  const auto conf = Render(
      "sentinel monitor master1 10.0.0.1 6379 1\nsentinel monitor other 10.0.0.2 6379 1\n"
      "sentinel monitor master1 10.0.0.3 6379 1\n");
  EXPECT_THAT(conf.findings.replaced, ElementsAre(HasSubstr("(1 more such lines)")));
  const auto directives = Directives(conf.text);
  const auto monitors = std::count_if(directives.begin(), directives.end(), [](const Words& words) {
    return words.size() > 2 && words[1] == "monitor" && words[2] == "master1";
  });
  EXPECT_EQ(monitors, 1);
}

TEST(SentinelServerConfTest, OverridesTheUsersTimeOnlyWhenAsked) {
  EXPECT_THAT(Render("").text, Not(HasSubstr("down-after")));
  auto wrapper = Wrapper();
  wrapper.down_after_ms = 750;
  const auto conf = Render("sentinel down-after-milliseconds master1 1000\n", wrapper);
  const auto directives = Directives(conf.text);
  EXPECT_EQ(directives.front(), (Words{"sentinel", "down-after-milliseconds", "master1", "1000"}));
  const Words ours{"sentinel", "down-after-milliseconds", "master1", "750"};
  EXPECT_THAT(directives, Contains(ours)) << "and the last counts";
}

TEST(SentinelServerConfTest, GivesPasswordsToWhomTheyAreFor) {
  auto wrapper = Wrapper();
  EXPECT_THAT(Render("", wrapper).text, Not(HasSubstr("auth-pass")));
  wrapper.common.credentials.redis = redis::Credentials{"", "for Redis"};
  wrapper.common.credentials.sentinel = redis::Credentials{"", "for Sentinel"};
  auto own = OwnPart(Render("", wrapper));
  EXPECT_THAT(own, Contains(Words{"sentinel", "auth-pass", "master1", "for Redis"}));
  EXPECT_THAT(own, Contains(Words{"requirepass", "for Sentinel"}));
  EXPECT_THAT(own, Contains(Words{"sentinel", "sentinel-pass", "for Sentinel"}));
  EXPECT_THAT(own, Each(Not(Contains("auth-user"))));
  wrapper.common.credentials.redis = redis::Credentials{"sentinel", "for Redis"};
  own = OwnPart(Render("", wrapper));
  EXPECT_THAT(own, Contains(Words{"sentinel", "auth-user", "master1", "sentinel"}));
}

TEST(SentinelServerConfTest, LogsInAsTheUserThatWasNamed) {
  auto wrapper = Wrapper();
  wrapper.common.credentials.sentinel = redis::Credentials{"sentinel", "new", "old"};
  const std::string users =
      "user sentinel on >new >old +@all\nuser default off\nrequirepass x\nsentinel sentinel-user y\n"
      "sentinel sentinel-pass z\n";
  const auto conf = Render(users, wrapper);
  const auto own = OwnPart(conf);
  EXPECT_THAT(own, Contains(Words{"sentinel", "sentinel-user", "sentinel"}));
  EXPECT_THAT(own, Contains(Words{"sentinel", "sentinel-pass", "new"}));
  EXPECT_THAT(own, Each(Not(Contains("requirepass")))) << "it is the default user's";
  EXPECT_THAT(own, Each(Not(Contains("user")))) << "the rules are the user's";
  EXPECT_THAT(conf.text, HasSubstr("user default off\nrequirepass x\n"));
  EXPECT_THAT(conf.text, Not(HasSubstr(" y\n")));
  EXPECT_THAT(conf.findings.replaced, ElementsAre(HasSubstr(":5: "), HasSubstr(":4: ")));
  EXPECT_FALSE(conf.own_user);
  EXPECT_EQ(conf.hello.username, "sentinel");
}

TEST(SentinelServerConfTest, ClosesTheDefaultUserWhereANamedOneLogsIn) {
  auto wrapper = Wrapper();
  wrapper.common.credentials.sentinel = redis::Credentials{"sentinel", "new"};
  const Words off{"user", "default", "off"};
  EXPECT_THAT(OwnPart(Render("user sentinel on >new +@all\n", wrapper)), Contains(off));
  for (const char* users : {"user default on nopass +ping\n", "aclfile /etc/users.acl\n", "requirepass x\n"})
    EXPECT_THAT(OwnPart(Render(users, wrapper)), Not(Contains(off))) << users;
}

TEST(SentinelServerConfTest, TakesIpv6AndAnotherGroup) {
  auto wrapper = Wrapper();
  wrapper.common.master_name = "orders";
  wrapper.server.bind = {"::1", 26379};
  wrapper.server.announce = {"2001:db8::1", 26379};
  const auto conf = Render("", wrapper, Alone({"2001:db8::9", 6380}, "orders"));
  EXPECT_THAT(OwnPart(conf), Contains(Words{"bind", "::1"}));
  EXPECT_THAT(OwnPart(conf), Contains(Words{"sentinel", "announce-ip", "2001:db8::1"}));
  EXPECT_THAT(OwnPart(conf), Contains(Words{"sentinel", "monitor", "orders", "2001:db8::9", "6380", "2"}));
}

TEST(SentinelServerConfTest, LetsNoValueBecomeADirective) {
  auto wrapper = Wrapper();
  const std::string hostile = "x\" y'\\\nrequirepass injected\r\n# ";
  wrapper.common.credentials.redis = redis::Credentials{hostile, hostile};
  wrapper.common.credentials.sentinel = redis::Credentials{"", hostile};
  const auto own = OwnPart(Render("", wrapper));
  EXPECT_THAT(own, Contains(Words{"sentinel", "auth-user", "master1", hostile}));
  EXPECT_THAT(own, Contains(Words{"sentinel", "auth-pass", "master1", hostile}));
  EXPECT_THAT(own, Contains(Words{"requirepass", hostile}));
  EXPECT_THAT(own, Contains(Words{"sentinel", "sentinel-pass", hostile}));
  EXPECT_EQ(own.size(), 14U);
}

}  // namespace
}  // namespace redis_zk::testing::sentinel_server_conf_test
