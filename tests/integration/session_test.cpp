// What is true of the real session alone; what is true of each is in support/session_contract.h.
#include <gtest/gtest.h>

#include "integration/session_fixture.h"
#include "support/proxy.h"
#include "zookeeper/client_session.h"

namespace redis_zk::testing::session_test {
namespace {

using zookeeper::Lifetime;
using zookeeper::Watch;
using Kind = TestSession::Kind;

TEST(SessionTest, MakesTheParentsOfItsChroot) {
  const std::string chroot = NewRoot() + "/b/c";
  TestSession session({SharedZooKeeper().endpoint()}, 2s, chroot);
  TestSession plain;
  ASSERT_TRUE(session.Connect() && plain.Connect());
  for (int twice = 0; twice < 2; ++twice) {
    const auto made = session->EnsurePath("/redis/master");
    ASSERT_TRUE(made) << made.error().message;
  }
  EXPECT_TRUE(plain->Exists(chroot + "/redis/master", Watch::kNo).value().has_value());
}

TEST(SessionTest, FailsAtOnceWhileThereIsNoServer) {
  TestSession session({{"127.0.0.1", FreePort()}});
  session->Maintain(Clock::now());
  const TimePoint asked = Clock::now();
  EXPECT_EQ(session->Get("/x", Watch::kNo).error().kind, ErrorKind::kUnavailable);
  EXPECT_EQ(session->Commit({}).error().kind, ErrorKind::kUnavailable);
  EXPECT_LT(Clock::now() - asked, 100ms);
}

// The C client alone would never try every second server of a list of even length, and spin on the rest.
TEST(SessionTest, FindsTheServerThatComesUpLaterInAListOfEvenLength) {
  for (const bool living_first : {true, false}) {
    Endpoint dead{"127.0.0.1", FreePort()};
    Endpoint later{"127.0.0.1", FreePort()};
    TestSession session(living_first ? std::vector{later, dead} : std::vector{dead, later});
    ASSERT_FALSE(session.Until([&] { return session->connected(); }, 300ms));
    const Proxy server(SharedZooKeeper().endpoint(), later.port);
    EXPECT_TRUE(session.Connect()) << (living_first ? "first" : "second") << " in the list";
  }
}

TEST(SessionTest, TriesAgainWhenNoNameResolves) {
  TestSession session({{"no-such-host.invalid", 2181}});
  EXPECT_TRUE(session.Saw(Kind::kProgress));
  EXPECT_FALSE(session->connected());
}

TEST(SessionTest, SaysUnknownWhenTheAnswerToAWriteIsLost) {
  Proxy proxy(SharedZooKeeper().endpoint());
  TestSession session({proxy.endpoint()});
  ASSERT_TRUE(session.Connect());
  const std::string path = NewRoot();
  proxy.Set(Proxy::Mode::kLoseAnswers);
  EXPECT_EQ(session->Create(path, "", Lifetime::kPersistent).error().kind, ErrorKind::kUnknownOutcome);
  proxy.Set(Proxy::Mode::kForward);
  ASSERT_TRUE(session.Connect());
  EXPECT_TRUE(session->Exists(path, Watch::kNo).value().has_value());
}

TEST(SessionTest, BeginsANewSessionAfterExpiry) {
  Proxy proxy(SharedZooKeeper().endpoint());
  TestSession session({proxy.endpoint()});
  TestSession observer;
  ASSERT_TRUE(session.Connect() && observer.Connect());
  const auto id = session->id();
  const std::string path = NewRoot();
  ASSERT_TRUE(session->Create(path, "", Lifetime::kEphemeral));
  ASSERT_TRUE(observer->Exists(path, Watch::kYes));
  proxy.Set(Proxy::Mode::kSilent);
  // The server gives up the session.
  ASSERT_TRUE(observer.Saw(Kind::kNodeChanged, path));
  proxy.Set(Proxy::Mode::kForward);
  proxy.Disconnect();
  ASSERT_TRUE(session.Until([&] { return session->connected() && session->id() != id; }));
  EXPECT_TRUE(session->Create(path, "", Lifetime::kEphemeral));
}

TEST(SessionTest, BeginsANewSessionWhenSilenceLastedLongerThanOneLives) {
  Proxy proxy(SharedZooKeeper().endpoint());
  TestSession session({proxy.endpoint()}, 1s);
  ASSERT_TRUE(session.Connect());
  const auto id = session->id();
  proxy.Set(Proxy::Mode::kRefuse);
  ASSERT_TRUE(session.Saw(Kind::kDisconnected));
  // The handle is given up although no server ever said that the session is over.
  ASSERT_TRUE(session.Until([&] { return session->id() == 0; }));
  proxy.Set(Proxy::Mode::kForward);
  ASSERT_TRUE(session.Connect());
  EXPECT_NE(session->id(), id);
}

}  // namespace
}  // namespace redis_zk::testing::session_test
