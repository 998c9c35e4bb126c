#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "redis-wrapper/server_conf.h"
#include "unit/conf_lines.h"

namespace redis_zk::testing::redis_server_conf_test {
namespace {

using redis_wrapper::RenderServerConf;
using redis_wrapper::WrapperOptions;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

const Endpoint kMaster{"10.0.0.9", 6380};

WrapperOptions Wrapper() {
  WrapperOptions wrapper;
  wrapper.redis_conf = "/etc/redis/redis.conf";
  wrapper.server.bind = {"10.0.0.1", 6379};
  wrapper.server.announce = {"192.0.2.1", 31000};
  return wrapper;
}

std::vector<Words> Rendered(const WrapperOptions& options, const std::optional<Endpoint>& master,
                            const redis::Conf& users = {}) {
  return Directives(RenderServerConf(options, users, master));
}

// The names of the directives, each as often as it stands there.
std::vector<std::string> Names(const std::vector<Words>& directives) {
  std::vector<std::string> names;
  for (const auto& words : directives) names.push_back(words[0]);
  return names;
}

TEST(RedisServerConfTest, AddsWhatOnlyTheWrapperKnowsAfterTheUsersFile) {
  EXPECT_THAT(Rendered(Wrapper(), kMaster),
              ElementsAre(Words{"include", "/etc/redis/redis.conf"}, Words{"bind", "10.0.0.1"},
                          Words{"port", "6379"}, Words{"daemonize", "no"},
                          Words{"replica-announce-ip", "192.0.2.1"}, Words{"replica-announce-port", "31000"},
                          Words{"replica-priority", "0"}, Words{"replicaof", "10.0.0.9", "6380"}));
}

TEST(RedisServerConfTest, ListensWithTlsAloneWhereItIsOn) {
  auto wrapper = Wrapper();
  wrapper.common.redis_tls = {
      .on = true, .files = {.ca = "/ca.pem", .certificate = "/node.crt", .key = "/node.key", .serves = true}};
  const auto directives = Rendered(wrapper, kMaster);
  for (const auto& words :
       std::vector<Words>{{"port", "0"}, {"tls-port", "6379"}, {"tls-replication", "yes"}})
    EXPECT_THAT(directives, Contains(words).Times(1));
}

TEST(RedisServerConfTest, MakesAMasterOfNobodysReplica) {
  const auto directives = Rendered(Wrapper(), std::nullopt);
  EXPECT_EQ(directives.back(), (Words{"replicaof", "no", "one"}));
  EXPECT_THAT(Names(directives), Not(Contains("replica-priority"))) << "it has its data";
  EXPECT_THAT(Names(directives), Contains("replicaof").Times(1));
}

TEST(RedisServerConfTest, TakesIpv6AndNames) {
  auto wrapper = Wrapper();
  wrapper.server.bind = {"::1", 6379};
  wrapper.server.announce = {"redis-1.example", 6379};
  const auto directives = Rendered(wrapper, Endpoint{"2001:db8::9", 6380});
  EXPECT_THAT(directives, Contains(Words{"bind", "::1"}));
  EXPECT_THAT(directives, Contains(Words{"replica-announce-ip", "redis-1.example"}));
  EXPECT_THAT(directives, Contains(Words{"replicaof", "2001:db8::9", "6380"}));
}

TEST(RedisServerConfTest, KnowsThePasswordAsMasterAndAsReplica) {
  auto wrapper = Wrapper();
  wrapper.common.credentials.redis = redis::Credentials{"", "secret"};
  for (const auto& master : {std::optional<Endpoint>(), std::optional<Endpoint>(kMaster)}) {
    const auto directives = Rendered(wrapper, master);
    EXPECT_THAT(directives, Contains(Words{"requirepass", "secret"}));
    EXPECT_THAT(directives, Contains(Words{"masterauth", "secret"}));
    EXPECT_THAT(Names(directives), Not(Contains("masteruser")));
  }
}

TEST(RedisServerConfTest, AcceptsBothPasswordsWhileTheyChange) {
  auto wrapper = Wrapper();
  wrapper.common.credentials.redis = redis::Credentials{"", "n e w", "old"};
  const Words both{"user", "default", "on", ">n e w", ">old", "~*", "&*", "+@all"};
  auto directives = Rendered(wrapper, kMaster);
  EXPECT_THAT(directives, Contains(both));
  EXPECT_THAT(directives, Contains(Words{"requirepass", "n e w"}));
  EXPECT_THAT(directives, Contains(Words{"masterauth", "n e w"}));
  directives = Directives(RenderServerConf(wrapper, {}, kMaster, {.masterauth = "old"}));
  EXPECT_THAT(directives, Contains(Words{"masterauth", "old"})) << "what its master accepts";
  directives = Directives(RenderServerConf(wrapper, {}, kMaster, {.takes_users = false}));
  EXPECT_THAT(directives, Not(Contains(both)));
  EXPECT_THAT(directives, Contains(Words{"requirepass", "old"})) << "clients change when it is gone";
  const redis::Conf users{.dir = "/",
                          .lines = {{.file = "redis.conf",
                                     .number = 1,
                                     .text = "user default on >x",
                                     .name = "user",
                                     .words = {"user", "default", "on", ">x"}}}};
  EXPECT_THAT(Names(Rendered(wrapper, kMaster, users)), Not(Contains("user"))) << "that is the user's";
  wrapper.common.credentials.redis = redis::Credentials{"replicator", "new", "old"};
  EXPECT_THAT(Names(Rendered(wrapper, kMaster)), Not(Contains("user")));
}

TEST(RedisServerConfTest, LeavesANamedUsersRulesToTheUser) {
  auto wrapper = Wrapper();
  wrapper.common.credentials.redis = redis::Credentials{"replicator", "secret"};
  const auto directives = Rendered(wrapper, kMaster);
  EXPECT_THAT(directives, Contains(Words{"masteruser", "replicator"}));
  EXPECT_THAT(directives, Contains(Words{"masterauth", "secret"}));
  EXPECT_THAT(Names(directives), Not(Contains("requirepass")));
}

TEST(RedisServerConfTest, SendsThePasswordUnderNoNameOfTheUsersFile) {
  const redis::Conf users{.dir = "/",
                          .lines = {{.file = "redis.conf",
                                     .number = 1,
                                     .text = "masteruser bob",
                                     .name = "masteruser",
                                     .words = {"masteruser", "bob"}}}};
  auto wrapper = Wrapper();
  EXPECT_THAT(Names(Rendered(wrapper, kMaster, users)), Not(Contains("masteruser")))
      << "with a password of the user's";
  wrapper.common.credentials.redis = redis::Credentials{"", "secret"};
  EXPECT_THAT(Rendered(wrapper, kMaster, users), Contains(Words{"masteruser", ""}));
  EXPECT_THAT(Names(Rendered(wrapper, kMaster)), Not(Contains("masteruser"))) << "Redis 5 has none";
  wrapper.common.credentials.redis = redis::Credentials{"replicator", "secret"};
  EXPECT_THAT(Rendered(wrapper, kMaster, users), Contains(Words{"masteruser", "replicator"}));
}

TEST(RedisServerConfTest, SaysNothingOfPasswordsWhereThereAreNone) {
  auto wrapper = Wrapper();
  wrapper.common.credentials.redis = redis::Credentials{"nobody", ""};
  wrapper.common.credentials.sentinel = redis::Credentials{"", "not for Redis"};
  for (const char* name : {"requirepass", "masterauth", "masteruser"}) {
    EXPECT_THAT(Names(Rendered(wrapper, kMaster)), Not(Contains(name)));
  }
}

TEST(RedisServerConfTest, LetsNoValueBecomeADirective) {
  auto wrapper = Wrapper();
  const std::string hostile = "x\" y'\\\nrequirepass injected\r\n# ";
  wrapper.redis_conf = hostile;
  wrapper.common.credentials.redis = redis::Credentials{hostile, hostile};
  const auto directives = Rendered(wrapper, Endpoint{hostile, 1});
  EXPECT_THAT(Names(directives), ElementsAre("include", "bind", "port", "daemonize", "replica-announce-ip",
                                             "replica-announce-port", "masteruser", "masterauth",
                                             "replica-priority", "replicaof"));
  EXPECT_THAT(directives, Contains(Words{"include", hostile}));
  EXPECT_THAT(directives, Contains(Words{"masteruser", hostile}));
  EXPECT_THAT(directives, Contains(Words{"masterauth", hostile}));
  EXPECT_THAT(directives, Contains(Words{"replicaof", hostile, "1"}));
}

}  // namespace
}  // namespace redis_zk::testing::redis_server_conf_test
