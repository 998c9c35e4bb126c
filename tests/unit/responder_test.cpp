#include "watcher/web/responder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "unit/watcher_fixture.h"
#include "watcher/web/patience.h"

namespace redis_zk::testing::responder_test {
namespace {

using store::Record;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::StartsWith;
using watcher::FleetStatus;
using watcher::Topology;
using watcher::web::ClientRequest;
using watcher::web::ReadPatience;
using watcher::web::Reply;
using watcher::web::Responder;

constexpr const char* kToken = "0123456789abcdef";

TEST(ReadPatienceTest, TakesABoundedWait) {
  const TimePoint now = TimePoint{} + 100h;
  EXPECT_EQ(ReadPatience("v", std::nullopt, now)->deadline, std::nullopt);
  EXPECT_EQ(ReadPatience("v", std::nullopt, now)->since, "v");
  EXPECT_EQ(ReadPatience("", "0s", now)->deadline, now);
  EXPECT_EQ(ReadPatience("", "45s", now)->deadline, now + 45s);
  EXPECT_EQ(ReadPatience("", "1m", now)->deadline, now + 45s) << "proxies give up after 50 s";
  for (const char* wrong : {"61s", "-1s", "1 day", "", "soon"}) {
    const auto read = ReadPatience("", wrong, now);
    ASSERT_FALSE(read) << wrong;
    EXPECT_THAT(read.error().message, StartsWith("wait: found \"" + std::string(wrong) + "\", expected "));
  }
}

class ResponderTest : public ::testing::Test {
 protected:
  struct SiteWithToken : WatcherSite {
    SiteWithToken() { options.admin_tokens.list = {{"alice", kToken}}; }
  };

  static Topology Known(const Endpoint& master) {
    Topology topology{.default_group = kGroup, .zookeeper_connected = true};
    topology.groups[kGroup] = Record{.state = Record::State::kMaster, .master = master, .epoch = 1};
    return topology;
  }

  Reply Ask(const std::string& method, const std::string& path, std::map<std::string, std::string> query = {},
            const std::string& authorization = "") {
    return responder_.Respond({.method = method,
                               .path = path,
                               .query = std::move(query),
                               .accept = "",
                               .authorization = authorization,
                               .last_event_id = std::nullopt,
                               .host = host_,
                               .from = from_,
                               .encrypted = encrypted_,
                               .asked_at = asked_at_,
                               .may_wait = may_wait_});
  }

  SiteWithToken site_;
  std::string host_;
  Endpoint from_{"127.0.0.1", 1};
  bool encrypted_ = false;
  TimePoint asked_at_ = Clock::now();
  bool may_wait_ = true;
  watcher::web::HttpPolicy policy_;
  Published<Topology> topology_{Known(kA)};
  Published<FleetStatus> status_{FleetStatus{}};
  watcher::RecentEvents events_;
  watcher::Behaviors behaviors_{watcher::Host{}, {}};
  std::vector<std::string> told_;
  watcher::Admin admin_{
      site_.options,
      topology_,
      {.open_session = site_.zookeeper.Factory(), .network = site_.network.network()},
      [this](const watcher::Event& event, const store::PastEvent&) { told_.push_back(event.kind); }};
  Published<watcher::ZooKeeperFigures> figures_{watcher::ZooKeeperFigures{}};
  std::atomic<Clock::rep> turned_at_ = Clock::now().time_since_epoch().count();
  Responder responder_{{topology_, status_, events_, behaviors_, admin_, figures_, turned_at_,
                        /*session_timeout=*/2s, policy_}};
};

TEST_F(ResponderTest, SaysWhatIsAllowedWhere) {
  struct Row {
    const char* method;
    const char* path;
    int status;
    const char* allowed;  // empty: the header is not sent
    const char* body;
  };
  for (const auto& [method, path, status, allowed, body] : std::initializer_list<Row>{
           {"GET", "/master", 200, "", "10.0.0.1 6379"},
           {"HEAD", "/master", 200, "", "10.0.0.1 6379"},
           {"GET", "/nowhere", 404, "", "no such path; / lists the paths"},
           {"POST", "/nowhere", 404, "", "no such path; / lists the paths"},
           {"POST", "/master", 405, "GET, HEAD", "only GET and HEAD"},
           {"GET", "/pause", 405, "POST", "only POST"},
           {"POST", "/masters/master1", 405, "GET, HEAD, DELETE", "only GET, HEAD, DELETE"},
           {"GET", "/masters/master1", 200, "", "10.0.0.1 6379"}}) {
    const auto reply = Ask(method, path);
    EXPECT_EQ(reply.answer.status, status) << method << path;
    EXPECT_EQ(reply.answer.body, body) << method << path;
    EXPECT_FALSE(reply.stream) << method << path;
    if (std::string(allowed).empty()) {
      EXPECT_THAT(reply.headers, IsEmpty()) << method << path;
    } else {
      EXPECT_THAT(reply.headers, ElementsAre(Pair("Allow", allowed))) << method << path;
    }
  }
}

TEST_F(ResponderTest, AnswersAtOnceWhenTheClientKnowsLessOrDoesNotWait) {
  const std::string version = Ask("GET", "/master").answer.version;
  ASSERT_NE(version, "");
  EXPECT_EQ(Ask("GET", "/master", {{"since", "older"}, {"wait", "60s"}}).answer.version, version);
  EXPECT_EQ(Ask("GET", "/master", {{"since", version}}).answer.version, version);
  EXPECT_EQ(Ask("GET", "/master", {{"since", version}, {"wait", "0s"}}).answer.version, version);
  EXPECT_EQ(Ask("GET", "/healthz", {{"wait", "60s"}}).answer.status, 200) << "there is no news of it";
  EXPECT_EQ(Ask("GET", "/master", {{"wait", "61s"}}).answer.status, 400);
}

TEST_F(ResponderTest, WaitsForNews) {
  const std::string version = Ask("GET", "/master").answer.version;
  const auto ask = [&] { return Ask("GET", "/master", {{"since", version}, {"wait", "30s"}}); };
  EXPECT_EQ(ask().wait_until, asked_at_ + 30s);
  site_.time.Advance(29s);
  EXPECT_EQ(ask().wait_until, asked_at_ + 30s) << "counts from when it was asked first";
  may_wait_ = false;
  EXPECT_EQ(ask().wait_until, std::nullopt) << "as much as is known";
  may_wait_ = true;
  site_.time.Advance(1s);
  EXPECT_EQ(ask().wait_until, std::nullopt) << "the time is up";
  EXPECT_EQ(ask().answer.version, version);
  asked_at_ = Clock::now();
  topology_.Set(Known(kB));
  EXPECT_EQ(ask().wait_until, std::nullopt);
  EXPECT_EQ(ask().answer.body, "10.0.0.2 6379");
}

TEST_F(ResponderTest, TellsOfAllThatAWaitMayBeAbout) {
  int woken = 0;
  responder_.OnNews([&woken] { ++woken; });
  topology_.Set(Known(kB));
  EXPECT_EQ(woken, 1);
  events_.Add(watcher::Event{.kind = watcher::event_kind::kFollowing, .sentence = "an event"});
  EXPECT_EQ(woken, 2);
  topology_.Close();
  EXPECT_EQ(woken, 3);
  responder_.OnNews(nullptr);
  events_.Close();
  EXPECT_EQ(woken, 3);
}

TEST_F(ResponderTest, EndsAllWaitsWithTheWatcher) {
  const std::string version = Ask("GET", "/master").answer.version;
  topology_.Close();
  EXPECT_EQ(Ask("GET", "/master", {{"since", version}, {"wait", "60s"}}).wait_until, std::nullopt);
}

TEST_F(ResponderTest, AnswersUnderTheNamesThatAreAllowed) {
  policy_.allowed_hosts = watcher::web::ParseHosts("Watcher.example,10.0.0.1,::1234").value();
  struct Row {
    const char* host;
    int status;
  };
  for (const auto& [host, status] : std::initializer_list<Row>{{"watcher.example", 200},
                                                               {"WATCHER.example:8080", 200},
                                                               {"watcher.example.", 200},
                                                               {"10.0.0.1:8080", 200},
                                                               {"[::1234]:8080", 200},
                                                               {"localhost:8080", 200},
                                                               {"127.0.0.1", 200},
                                                               {"[::1]", 200},
                                                               {"", 200},
                                                               {"evil.example", 421},
                                                               {"watcher.example.evil.example", 421},
                                                               {"127.0.0.1.evil.example", 421},
                                                               {"10.0.0.2", 200},
                                                               {"[", 421}}) {
    host_ = host;
    EXPECT_EQ(Ask("GET", "/healthz").answer.status, status) << host;
  }
  policy_.allowed_hosts.clear();
  EXPECT_EQ(Ask("GET", "/healthz").answer.status, 200) << "any";
  for (const char* wrong : {"a,,b", "watcher:8080", "a b", "http://watcher", ","})
    EXPECT_FALSE(watcher::web::ParseHosts(wrong)) << wrong;
}

TEST_F(ResponderTest, RunsNoAdminRequestInTheClearUnlessAllowed) {
  from_ = {"10.0.9.9", 1};
  EXPECT_EQ(Ask("POST", "/pause", {}, std::string("Bearer ") + kToken).answer.status, 403);
  encrypted_ = true;
  EXPECT_EQ(Ask("POST", "/pause", {}, std::string("Bearer ") + kToken).answer.status, 200);
  encrypted_ = false;
  policy_.admin_insecure = true;
  EXPECT_EQ(Ask("POST", "/pause", {}, std::string("Bearer ") + kToken).answer.status, 200);
}

TEST_F(ResponderTest, SlowsDownAnAddressThatGuesses) {
  for (int guess = 0; guess < 5; ++guess) EXPECT_EQ(Ask("POST", "/pause", {}, "Bearer x").answer.status, 401);
  const auto blocked = Ask("POST", "/pause", {}, "Bearer x");
  EXPECT_EQ(blocked.answer.status, 429);
  EXPECT_THAT(blocked.headers, ElementsAre(Pair("Retry-After", "60")));
  EXPECT_THAT(told_, IsEmpty());
  EXPECT_EQ(Ask("GET", "/master").answer.status, 200) << "readers are not concerned";
  EXPECT_EQ(Ask("POST", "/pause", {}, std::string("Bearer ") + kToken).answer.status, 200)
      << "others at the same proxy guess";
  site_.time.Advance(1min);
  EXPECT_EQ(Ask("POST", "/pause", {}, "Bearer x").answer.status, 401);
}

TEST_F(ResponderTest, NoticesThatTheLoopStandsStill) {
  EXPECT_EQ(Ask("GET", "/healthz").answer.status, 200);
  site_.time.Advance(16s);
  EXPECT_EQ(Ask("GET", "/healthz").answer.status, 200) << "a lost answer of ZooKeeper may hold it";
  site_.time.Advance(1s);
  EXPECT_EQ(Ask("GET", "/healthz").answer.status, 503);
}

TEST_F(ResponderTest, StreamsEventsToABoundedNumberOfClients) {
  std::vector<Reply> open;
  for (int i = 0; i < 512; ++i) {
    open.push_back(Ask("GET", "/events"));
    ASSERT_TRUE(open.back().stream) << i;
  }
  const auto refused = Ask("GET", "/events");
  EXPECT_EQ(refused.answer.status, 503);
  EXPECT_FALSE(refused.stream);
  open.pop_back();
  EXPECT_TRUE(Ask("GET", "/events").stream);
  EXPECT_FALSE(Ask("HEAD", "/events").stream);
  EXPECT_EQ(Ask("GET", "/events", {{"wait", "1h"}}).answer.status, 400);
}

TEST_F(ResponderTest, TakesTheEventHeardLastFromTheHeaderOrTheQuery) {
  for (const char* sentence : {"first", "second"})
    events_.Add(watcher::Event{.kind = watcher::event_kind::kFollowing, .sentence = sentence});
  const std::string first = events_.history().Get()->front().id;
  const std::string second = events_.history().Get()->back().id;
  const auto told = [&](std::optional<std::string> header, std::map<std::string, std::string> query) {
    return responder_
        .Respond({.method = "GET",
                  .path = "/events",
                  .query = std::move(query),
                  .accept = "",
                  .authorization = "",
                  .last_event_id = std::move(header),
                  .host = "",
                  .from = {},
                  .asked_at = {}})
        .stream->Take(Clock::now());
  };
  EXPECT_THAT(told(std::nullopt, {{"since", first}}), HasSubstr("second"));
  EXPECT_THAT(told(first, {{"since", second}}), HasSubstr("second")) << "a browser that comes again";
  EXPECT_EQ(told(std::nullopt, {}), "retry: 1000\n\n");
}

TEST_F(ResponderTest, RunsAdminRequestsForThoseWithTheTokenOnly) {
  const auto denied = Ask("POST", "/pause");
  EXPECT_EQ(denied.answer.status, 401);
  EXPECT_THAT(denied.headers, ElementsAre(Pair("WWW-Authenticate", "Bearer")));
  EXPECT_EQ(denied.answer.cache_control, "no-store");
  EXPECT_EQ(Ask("POST", "/pause", {}, "Bearer wrong").answer.status, 401);
  EXPECT_THAT(told_, IsEmpty());

  const auto paused = Ask("POST", "/pause", {{"reason", "upgrade"}}, std::string("Bearer ") + kToken);
  EXPECT_EQ(paused.answer.status, 200) << paused.answer.body;
  EXPECT_EQ(paused.answer.cache_control, "no-store");
  EXPECT_THAT(paused.headers, IsEmpty());
  EXPECT_THAT(told_, ElementsAre(watcher::event_kind::kPaused));
  EXPECT_FALSE(responder_.admin_runs());
}

TEST_F(ResponderTest, HasNoAdminApiWithoutAToken) {
  site_.options.admin_tokens.list.clear();
  watcher::Admin off{site_.options,
                     topology_,
                     {.open_session = site_.zookeeper.Factory(), .network = site_.network.network()},
                     [](const watcher::Event&, const store::PastEvent&) {}};
  Responder responder{{topology_, status_, events_, behaviors_, off, figures_, turned_at_, 2s, policy_}};
  const auto reply = responder.Respond({.method = "POST",
                                        .path = "/pause",
                                        .query = {},
                                        .accept = "",
                                        .authorization = std::string("Bearer ") + kToken,
                                        .last_event_id = std::nullopt,
                                        .host = "",
                                        .from = from_,
                                        .asked_at = {}});
  EXPECT_EQ(reply.answer.status, 403);
}

}  // namespace
}  // namespace redis_zk::testing::responder_test
