// The connection, INFO, the Sentinel client and the subscriber, against real servers.
#include <gtest/gtest.h>

#include <future>

#include "net/networks.h"
#include "net/resolver.h"
#include "redis/connection.h"
#include "redis/default_user.h"
#include "redis/servers.h"
#include "redis/trust.h"
#include "sentinel/client.h"
#include "sentinel/subscriber.h"
#include "support/proxy.h"
#include "support/servers.h"
#include "support/wait.h"

namespace redis_zk::testing::redis_test {
namespace {

using redis::Connection;
using redis::Reply;
using sentinel::SubscriberEvent;

constexpr Duration kTimeout = 5s;
constexpr Duration kShort = 200ms;
const redis::Credentials kNobody;

redis::ConnectedServers ServersAs(const redis::Credentials& credentials, Duration timeout = kTimeout) {
  return redis::ConnectedServers({credentials}, timeout);
}

Endpoint NobodyThere() { return {"127.0.0.1", FreePort()}; }

TEST(ConnectionTest, AsksAndIsAnswered) {
  const RedisServer server;
  const auto replies = ServersAs(kNobody).Ask(
      server.endpoint(), {{"SET", "k", "a b\r\n"}, {"GET", "k"}, {"GET", "none"}, {"NONSENSE"}});
  ASSERT_TRUE(replies) << replies.error().message;
  ASSERT_EQ(replies->size(), 4U);
  EXPECT_EQ((*replies)[0].text, "OK");
  EXPECT_EQ((*replies)[1].text, "a b\r\n");
  EXPECT_EQ((*replies)[2].type, Reply::Type::kNil);
  EXPECT_TRUE((*replies)[3].is_error());
}

TEST(ConnectionTest, OneSilentServerDelaysNoOther) {
  const RedisServer server;
  Proxy silent(server.endpoint());
  silent.Set(Proxy::Mode::kSilent);
  const Endpoint dead = NobodyThere();
  const TimePoint asked = Clock::now();
  const auto answers =
      ServersAs(kNobody, kShort).AskAll({silent.endpoint(), server.endpoint(), dead}, {{"PING"}});
  EXPECT_LT(Clock::now() - asked, kTimeout);
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_EQ(answers[0].error().kind, ErrorKind::kTimeout);
  EXPECT_EQ(answers[1]->front().text, "PONG");
  EXPECT_EQ(answers[2].error().kind, ErrorKind::kUnavailable);
  EXPECT_NE(answers[2].error().message.find(dead.ToAddress()), std::string::npos);
}

TEST(ConnectionTest, SurvivesAReadTimeout) {
  const RedisServer server;
  Proxy proxy(server.endpoint());
  auto connection = Connection::Start(proxy.endpoint(), {kNobody});
  ASSERT_TRUE(connection);
  proxy.Set(Proxy::Mode::kSilent);
  connection->Send({"PING"});
  const auto nothing = connection->Receive(Clock::now() + kShort);
  ASSERT_TRUE(nothing) << nothing.error().message;
  EXPECT_FALSE(nothing->has_value());
  proxy.Set(Proxy::Mode::kForward);
  const auto pong = connection->Receive(Clock::now() + kTimeout);
  ASSERT_TRUE(pong && pong->has_value());
  EXPECT_EQ((*pong)->text, "PONG");
}

TEST(ConnectionTest, SaysWhenThePeerHangsUp) {
  const RedisServer server;
  Proxy proxy(server.endpoint());
  auto connection = Connection::Start(proxy.endpoint(), {kNobody});
  ASSERT_TRUE(connection);
  connection->Send({"PING"});
  ASSERT_TRUE(connection->Receive(Clock::now() + kTimeout)->has_value());
  proxy.Disconnect();
  EXPECT_FALSE(connection->Receive(Clock::now() + kTimeout));
}

TEST(ConnectionTest, AuthenticatesAndSaysWhenItMayNot) {
  const RedisServer server("requirepass right\nuser app on >apps ~* +@all");
  struct Row {
    const char* name;
    redis::Credentials credentials;
    bool accepted;
  };
  for (const auto& [name, credentials, accepted] :
       std::initializer_list<Row>{{"the password", {"", "right"}, true},
                                  {"a user's", {"app", "apps"}, true},
                                  {"a wrong one", {"", "wrong"}, false},
                                  {"another user's", {"app", "right"}, false}}) {
    const auto replies = ServersAs(credentials).Ask(server.endpoint(), {{"PING"}});
    EXPECT_EQ(replies.has_value(), accepted) << name;
    if (replies) continue;
    EXPECT_EQ(replies.error().kind, ErrorKind::kRefused) << name;
    EXPECT_EQ(replies.error().message.find(credentials.password), std::string::npos)
        << "no secret in an error";
  }
  const auto without = ServersAs(kNobody).Ask(server.endpoint(), {{"PING"}});
  ASSERT_TRUE(without);
  EXPECT_TRUE(without->front().is_error()) << "an answer, though not the one hoped for";
  EXPECT_EQ(ServersAs(kNobody).AskInfo(server.endpoint()).error().kind, ErrorKind::kRefused);
}

// While passwords change: servers that know both, and servers that know one of them.
TEST(ConnectionTest, TriesTheNewPasswordAndThenTheOldOne) {
  const RedisServer old_one("requirepass old");
  const RedisServer new_one("requirepass new");
  const RedisServer both("user default on >new >old ~* &* +@all");
  const RedisServer neither("requirepass another");
  redis::ConnectedServers servers({redis::Credentials{"", "new", "old"}}, kTimeout);
  const auto answers =
      servers.AskAll({old_one.endpoint(), new_one.endpoint(), both.endpoint(), neither.endpoint()},
                     {{"PING"}, {"ECHO", "in order"}, {"NONSENSE"}});
  for (std::size_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(answers[i]) << i << ": " << answers[i].error().message;
    ASSERT_EQ(answers[i]->size(), 3U) << i;
    EXPECT_EQ(answers[i]->front().text, "PONG") << i;
    EXPECT_EQ((*answers[i])[1].text, "in order") << i;
    EXPECT_TRUE((*answers[i])[2].is_error()) << "an error reply of a command is none of a password";
  }
  ASSERT_FALSE(answers[3]);
  EXPECT_EQ(answers[3].error().kind, ErrorKind::kRefused);
  const auto kept = servers.Keep(old_one.endpoint());
  ASSERT_TRUE(kept->AskInfo());
  ASSERT_TRUE(kept->Order({"CONFIG", "SET", "requirepass", "new"}));
  EXPECT_TRUE(kept->Order({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no"}));
  EXPECT_TRUE(kept->AskInfo()) << "connected anew, with the new one";
}

TEST(ConnectionTest, FindsThePasswordForOneWhoCannotTryTwo) {
  const RedisServer old_one("requirepass old");
  const RedisServer new_one("requirepass new");
  const RedisServer both("user default on >new >old ~* &* +@all");
  redis::ConnectedServers changing({redis::Credentials{"", "new", "old"}}, kShort);
  EXPECT_EQ(changing.FindPassword({old_one.endpoint(), both.endpoint(), NobodyThere()}), "old");
  EXPECT_EQ(changing.FindPassword({new_one.endpoint(), both.endpoint(), NobodyThere()}), "new");
  EXPECT_EQ(ServersAs({"", "new"}).FindPassword({old_one.endpoint()}), "new") << "there is no choice";
  EXPECT_EQ(ServersAs(kNobody).FindPassword({both.endpoint()}), std::nullopt);
}

TEST(ConnectionTest, ChangesThePasswordsOfAServer) {
  const RedisServer server("requirepass old");
  const SentinelServer sentinel(server.endpoint(), "requirepass old");
  for (const auto& endpoint : {server.endpoint(), sentinel.endpoint()}) {
    const auto accepts = [&endpoint](const char* password) {
      return ServersAs({"", password}).Ask(endpoint, {{"PING"}}).has_value();
    };
    const redis::CredentialsSource current(redis::Credentials{"", "new", "old"});
    redis::ConnectedServers servers({current}, kTimeout);
    const auto kept = servers.Keep(endpoint);
    ASSERT_TRUE(redis::SetPasswords(*kept, *current.Get()));
    EXPECT_TRUE(accepts("new") && accepts("old"));
    current.Set({"", "new"});
    ASSERT_TRUE(redis::SetPasswords(*kept, *current.Get()));
    EXPECT_TRUE(accepts("new"));
    EXPECT_FALSE(accepts("old"));
    EXPECT_TRUE(kept->Order({"PING"})) << "who is logged in stays";
  }
  // One that takes a single password keeps the old one until that is to go.
  const RedisServer single("requirepass old\nrename-command ACL \"\"");
  redis::ConnectedServers servers({redis::Credentials{"", "new", "old"}}, kTimeout);
  const auto kept = servers.Keep(single.endpoint());
  ASSERT_TRUE(redis::SetPasswords(*kept, {"", "new", "old"}));
  EXPECT_EQ(servers.FindPassword({single.endpoint()}), "old");
  ASSERT_TRUE(redis::SetPasswords(*kept, {"", "new"}));
  EXPECT_EQ(servers.FindPassword({single.endpoint()}), "new");
}

TEST(ConnectionTest, TellsNobodyAPasswordWhereItMustNot) {
  const RedisServer closed("requirepass right");
  const redis::Credentials known{"", "right"};
  redis::ConnectedServers servers({known}, kTimeout);
  EXPECT_TRUE(servers.AskInfo(closed.endpoint()));
  const auto refused = servers.WithoutCredentials().AskInfo(closed.endpoint());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kRefused) << refused.error().message;
  const RedisServer open;
  EXPECT_TRUE(servers.WithoutCredentials().WithoutCredentials().AskInfo(open.endpoint()));
}

TEST(ServerInfoTest, TellsMasterFromReplica) {
  const RedisServer master;
  const RedisServer replica("replicaof " + master.endpoint().ToRecord());
  ASSERT_TRUE(
      ServersAs(kNobody).Ask(master.endpoint(), {{"SET", "a", "1"}, {"SELECT", "3"}, {"SET", "b", "2"}}));
  News nobody_reports;
  std::vector<Result<redis::ServerInfo>> infos;
  ASSERT_TRUE(nobody_reports.Until([&] {
    infos = ServersAs(kNobody).AskInfos({master.endpoint(), replica.endpoint()});
    return infos[1] && infos[1]->link_up && infos[1]->keys == 2 && infos[1]->offset == infos[0]->offset;
  }));
  EXPECT_EQ(infos[0]->role, redis::Role::kMaster);
  EXPECT_EQ(infos[0]->keys, 2U);
  EXPECT_EQ(infos[0]->connected_replicas, 1U);
  EXPECT_EQ(infos[1]->role, redis::Role::kReplica);
  EXPECT_EQ(infos[1]->master, master.endpoint());
  EXPECT_EQ(infos[1]->replication_id, infos[0]->replication_id);
}

TEST(SentinelClientTest, ReportsWhatASentinelSays) {
  const RedisServer master;
  const SentinelServer sentinel(master.endpoint());
  const Endpoint dead = NobodyThere();
  auto servers = ServersAs(kNobody);
  auto reports = sentinel::AskSentinels(servers, {{sentinel.endpoint(), ""}, {dead, ""}}, "master1");
  ASSERT_TRUE(reports[0]) << reports[0].error().message;
  EXPECT_EQ(reports[0]->master, master.endpoint());
  EXPECT_EQ(reports[0]->config_epoch, 0U);
  EXPECT_EQ(reports[0]->quorum, 1U);
  EXPECT_FALSE(reports[0]->master_down);
  EXPECT_FALSE(reports[1]);
  EXPECT_EQ(sentinel::AskSentinels(servers, {{sentinel.endpoint(), ""}}, "other")[0].error().kind,
            ErrorKind::kNotFound);
  EXPECT_EQ(sentinel::AskSentinels(servers, {{master.endpoint(), ""}}, "master1")[0].error().kind,
            ErrorKind::kRefused)
      << "a Redis is no Sentinel";
  const auto refused = sentinel::Client(servers, sentinel.endpoint()).RequestFailover("master1");
  EXPECT_EQ(refused.error().kind, ErrorKind::kRefused) << "there is no replica to promote";
}

TEST(SentinelClientTest, RefusesASentinelWithAnotherId) {
  const RedisServer master;
  const std::string id(40, 'a');
  const SentinelServer sentinel(master.endpoint(), "sentinel myid " + id);
  const std::string wrong(40, 'b');
  auto servers = ServersAs(kNobody);
  const auto reports = sentinel::AskSentinels(
      servers, {{sentinel.endpoint(), id}, {sentinel.endpoint(), wrong}, {sentinel.endpoint(), ""}},
      "master1");
  ASSERT_TRUE(reports[0]) << reports[0].error().message;
  EXPECT_TRUE(reports[0]->identified);
  ASSERT_FALSE(reports[1]);
  EXPECT_EQ(reports[1].error().kind, ErrorKind::kRefused);
  EXPECT_NE(reports[1].error().message.find(id), std::string::npos) << reports[1].error().message;
  ASSERT_TRUE(reports[2]) << "its registration does not say which";
  EXPECT_FALSE(reports[2]->identified);
  EXPECT_EQ(reports[2]->id, id);
}

TEST(ConnectionTest, RepeatsNoPasswordOfAnAnswer) {
  const RedisServer without_auth("rename-command AUTH \"\"");
  const redis::Credentials secret{"", "secret-4711"};
  const auto refused = ServersAs(secret).Ask(without_auth.endpoint(), {{"PING"}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kRefused);
  EXPECT_EQ(refused.error().message.find("secret-4711"), std::string::npos) << refused.error().message;
  EXPECT_NE(refused.error().message.find("ERR unknown command"), std::string::npos)
      << refused.error().message;
}

TEST(ConnectionTest, TellsNobodyOutsideTheTrustedNetworks) {
  const RedisServer server("requirepass right");
  Resolver names([](const std::string&) { return std::vector<std::string>{"127.0.0.1"}; });
  struct Row {
    const char* name;
    const char* networks;
    std::string host;
    bool accepted;
  };
  for (const auto& [name, networks, host, accepted] :
       std::initializer_list<Row>{{"inside", "127.0.0.0/8", "127.0.0.1", true},
                                  {"a name inside", "127.0.0.0/8", "redis", true},
                                  {"outside", "10.0.0.0/8", "127.0.0.1", false},
                                  {"a name outside", "10.0.0.0/8", "redis", false}}) {
    const Endpoint target{host, server.endpoint().port};
    const redis::CredentialsSource credentials(
        {"", "right"}, std::make_shared<redis::Trust>(Networks::Parse(networks).value()));
    redis::ConnectedServers servers({.credentials = credentials, .names = &names}, kTimeout);
    (void)ServersAs({"", "right"}).Ask(server.endpoint(), {{"CONFIG", "RESETSTAT"}});
    const auto replies = servers.Ask(target, {{"SET", "k", name}});
    EXPECT_EQ(replies.has_value(), accepted) << name;
    const auto kept = servers.Keep(target)->Order({"SET", "k", name});
    EXPECT_EQ(kept.has_value(), accepted) << name;
    EXPECT_EQ(servers.WhoAnswers({target}).size(), 1U) << name << " lives";
    if (accepted) continue;
    EXPECT_EQ(replies.error().kind, ErrorKind::kRefused) << name;
    EXPECT_EQ(replies.error().cause, Cause::kTrustedNetworks) << replies.error().message;
    const auto stats =
        ServersAs({"", "right"}).Ask(server.endpoint(), {{"INFO", "commandstats"}})->front().text;
    EXPECT_NE(stats.find("cmdstat_ping"), std::string::npos) << stats;
    EXPECT_EQ(stats.find("cmdstat_set"), std::string::npos) << stats;
    // Our own question is the one.
    EXPECT_NE(stats.find("cmdstat_auth:calls=1,"), std::string::npos) << stats;
  }
  const RedisServer open;
  redis::ConnectedServers servers(
      {.credentials = {{"", "right"}, std::make_shared<redis::Trust>(Networks::Parse("10.0.0.0/8").value())}},
      kTimeout);
  EXPECT_FALSE(servers.Order(open.endpoint(), {"SET", "k", "v"})) << "nothing that it says counts";
  EXPECT_EQ(ServersAs(kNobody).Ask(open.endpoint(), {{"GET", "k"}})->front().type, Reply::Type::kNil);
  EXPECT_EQ(servers.AskInfo(NobodyThere()).error().kind, ErrorKind::kUnavailable)
      << "who is dead is not refused";
  EXPECT_TRUE(servers.WithoutCredentials().AskInfo(open.endpoint()));
}

TEST(ConnectionTest, ANameThatHangsDelaysNoOther) {
  const RedisServer server;
  std::promise<void> over;
  Resolver names([hung = over.get_future().share()](const std::string& host) {
    if (host == "hangs") hung.wait();
    return std::vector<std::string>{"127.0.0.1"};
  });
  redis::ConnectedServers servers({.credentials = {}, .names = &names}, kShort);
  const std::uint16_t port = server.endpoint().port;
  const TimePoint asked = Clock::now();
  const auto answers = servers.AskAll({{"hangs", port}, server.endpoint(), {"redis", port}}, {{"PING"}});
  EXPECT_LT(Clock::now() - asked, kTimeout);
  EXPECT_EQ(answers[0].error().kind, ErrorKind::kTimeout);
  EXPECT_NE(answers[0].error().message.find("the look-up of its name has not ended"), std::string::npos)
      << answers[0].error().message;
  EXPECT_TRUE(answers[1]);
  EXPECT_TRUE(answers[2]) << answers[2].error().message;
  const auto kept = servers.Keep({"hangs", port});
  EXPECT_EQ(kept->AskInfo().error().kind, ErrorKind::kTimeout);
  over.set_value();
  const TimePoint deadline = Clock::now() + kTimeout;
  while (!kept->AskInfo() && Clock::now() < deadline) continue;
  EXPECT_TRUE(kept->AskInfo()) << "once it is known";
  EXPECT_EQ(ServersAs(kNobody).AskInfo({"localhost", port}).error().kind, ErrorKind::kInvalid)
      << "without a resolver, names are none";
}

class SubscriberTest : public ::testing::Test {
 protected:
  std::unique_ptr<sentinel::Subscriber> Follow(const Endpoint& sentinel,
                                               const redis::Credentials& credentials = kNobody,
                                               Duration silence = 600ms) {
    return std::make_unique<sentinel::Subscriber>(
        sentinel, redis::Access{credentials}, silence,
        [this](SubscriberEvent event) { news_.Report([&] { events_.push_back(std::move(event)); }); });
  }
  // The first event of a kind, once there is one.
  std::optional<SubscriberEvent> Await(SubscriberEvent::Kind kind, Duration within = kPatience) {
    std::optional<SubscriberEvent> found;
    news_.Until(
        [&] {
          for (const auto& event : events_) {
            if (event.kind == kind) found = event;
          }
          return found.has_value();
        },
        within);
    return found;
  }

  const RedisServer master_;
  const SentinelServer sentinel_{master_.endpoint()};
  News news_;
  std::vector<SubscriberEvent> events_;
};

TEST_F(SubscriberTest, HearsEvents) {
  const auto subscriber = Follow(sentinel_.endpoint());
  ASSERT_TRUE(Await(SubscriberEvent::Kind::kSubscribed));
  ASSERT_TRUE(
      ServersAs(kNobody).Ask(sentinel_.endpoint(), {{"SENTINEL", "MONITOR", "other", master_.endpoint().host,
                                                     std::to_string(master_.endpoint().port), "1"}}));
  const auto heard = Await(SubscriberEvent::Kind::kEvent);
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->event.name, "+monitor");
  EXPECT_EQ(heard->event.group, "other");
}

TEST_F(SubscriberTest, StaysWithASentinelThatHasNothingToSay) {
  const auto subscriber = Follow(sentinel_.endpoint(), kNobody, 300ms);
  ASSERT_TRUE(Await(SubscriberEvent::Kind::kSubscribed));
  EXPECT_FALSE(Await(SubscriberEvent::Kind::kLost, 1s)) << "its answers to PING are enough";
}

TEST_F(SubscriberTest, NoticesASentinelThatFellSilent) {
  Proxy proxy(sentinel_.endpoint());
  const auto subscriber = Follow(proxy.endpoint());
  ASSERT_TRUE(Await(SubscriberEvent::Kind::kSubscribed));
  const TimePoint cut = Clock::now();
  proxy.Set(Proxy::Mode::kSilent);
  const auto lost = Await(SubscriberEvent::Kind::kLost);
  ASSERT_TRUE(lost);
  EXPECT_GE(Clock::now() - cut, 300ms);
  EXPECT_EQ(lost->reason, proxy.endpoint().ToAddress() + " does not answer");
}

TEST_F(SubscriberTest, SaysWhyASentinelIsLost) {
  auto subscriber = Follow(NobodyThere());
  auto lost = Await(SubscriberEvent::Kind::kLost);
  ASSERT_TRUE(lost);
  EXPECT_NE(lost->reason.find("refused"), std::string::npos) << lost->reason;
  events_.clear();
  const SentinelServer guarded(master_.endpoint(), "requirepass right");
  const redis::Credentials wrong{"", "wrong"};
  subscriber = Follow(guarded.endpoint(), wrong);
  lost = Await(SubscriberEvent::Kind::kLost);
  ASSERT_TRUE(lost);
  EXPECT_NE(lost->reason.find("refused the password"), std::string::npos) << lost->reason;
  events_.clear();
  subscriber = Follow(guarded.endpoint());
  lost = Await(SubscriberEvent::Kind::kLost);
  ASSERT_TRUE(lost);
  EXPECT_NE(lost->reason.find("NOAUTH"), std::string::npos) << lost->reason;
}

TEST_F(SubscriberTest, EndsAtOnceWhenItIsNoLongerWanted) {
  Proxy proxy(sentinel_.endpoint());
  auto subscriber = Follow(proxy.endpoint(), kNobody, 1min);
  ASSERT_TRUE(Await(SubscriberEvent::Kind::kSubscribed));
  proxy.Set(Proxy::Mode::kSilent);
  const TimePoint asked = Clock::now();
  subscriber.reset();
  EXPECT_LT(Clock::now() - asked, 1s);
  EXPECT_FALSE(Await(SubscriberEvent::Kind::kLost, 0ms)) << "it was let go, not lost";
}

}  // namespace
}  // namespace redis_zk::testing::redis_test
