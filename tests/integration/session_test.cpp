#include "zookeeper/session.h"

#include <gtest/gtest.h>

#include "integration/session_fixture.h"
#include "support/proxy.h"

namespace redis_zk::testing {
namespace {

using zookeeper::kAnyVersion;
using zookeeper::Lifetime;
using zookeeper::Transaction;
using zookeeper::Watch;
using Kind = TestSession::Kind;

TEST(SessionTest, ReadsAndWritesWithVersions) {
  TestSession session;
  ASSERT_TRUE(session.Connect());
  const std::string path = NewRoot();
  ASSERT_EQ(session->Create(path, "one", Lifetime::kPersistent).value(), path);
  EXPECT_EQ(session->Create(path, "two", Lifetime::kPersistent).error().kind, ErrorKind::kAlreadyExists);
  ASSERT_TRUE(session->Set(path, "two", 0));
  EXPECT_EQ(session->Set(path, "three", 0).error().kind, ErrorKind::kConflict);
  const auto node = session->Get(path, Watch::kNo);
  ASSERT_TRUE(node);
  EXPECT_EQ(node->data, "two");
  EXPECT_EQ(node->stat.version, 1);
  EXPECT_EQ(node->stat.ephemeral_owner, 0);
  EXPECT_EQ(session->Delete(path, 0).error().kind, ErrorKind::kConflict);
  ASSERT_TRUE(session->Delete(path, kAnyVersion));
  EXPECT_EQ(session->Get(path, Watch::kNo).error().kind, ErrorKind::kNotFound);
  EXPECT_FALSE(session->Exists(path, Watch::kNo).value().has_value());
  EXPECT_EQ(session->Children(path, Watch::kNo).error().kind, ErrorKind::kNotFound);
}

TEST(SessionTest, KeepsDataOfAnySizeAndContent) {
  TestSession session;
  ASSERT_TRUE(session.Connect());
  const std::string root = NewRoot();
  ASSERT_TRUE(session->EnsurePath(root));
  for (const std::string& data : {std::string(), std::string("\0x\0", 3), std::string(200'000, 'x')}) {
    ASSERT_TRUE(session->Set(root, data, kAnyVersion));
    EXPECT_EQ(session->Get(root, Watch::kNo)->data, data);
  }
}

TEST(SessionTest, ToldByWatchesOnceEach) {
  TestSession session;
  TestSession other;
  ASSERT_TRUE(session.Connect() && other.Connect());
  const std::string root = NewRoot();
  ASSERT_TRUE(session->EnsurePath(root));
  ASSERT_TRUE(session->Children(root, Watch::kYes));
  ASSERT_FALSE(session->Exists(root + "/a", Watch::kYes).value().has_value());
  ASSERT_TRUE(other->Create(root + "/a", "", Lifetime::kPersistent));
  EXPECT_TRUE(session.Saw(Kind::kNodeChanged, root));
  EXPECT_TRUE(session.Saw(Kind::kNodeChanged, root + "/a"));
  ASSERT_TRUE(session->Get(root + "/a", Watch::kYes));
  session.Forget();
  ASSERT_TRUE(other->Set(root + "/a", "x", kAnyVersion));
  EXPECT_TRUE(session.Saw(Kind::kNodeChanged, root + "/a"));
}

TEST(SessionTest, CommitsAllOrNothing) {
  TestSession session;
  ASSERT_TRUE(session.Connect());
  const std::string root = NewRoot();
  ASSERT_TRUE(session->EnsurePath(root));
  Transaction wrong;
  wrong.Add(Transaction::SetOp{root, "changed", kAnyVersion});
  wrong.Add(Transaction::CreateOp{root + "/a", "", Lifetime::kPersistent});
  wrong.Add(Transaction::CheckOp{root, 7});
  EXPECT_EQ(session->Commit(wrong).error().kind, ErrorKind::kConflict);
  EXPECT_EQ(session->Get(root, Watch::kNo)->data, "");
  EXPECT_FALSE(session->Exists(root + "/a", Watch::kNo).value().has_value());
  Transaction right;
  right.Add(Transaction::SetOp{root, "changed", 0});
  right.Add(Transaction::CreateOp{root + "/a", "", Lifetime::kPersistent});
  right.Add(Transaction::DeleteOp{root + "/a", kAnyVersion});
  ASSERT_TRUE(session->Commit(right));
  EXPECT_EQ(session->Get(root, Watch::kNo)->data, "changed");
}

TEST(SessionTest, EphemeralsVanishWhenItIsClosed) {
  TestSession observer;
  ASSERT_TRUE(observer.Connect());
  const std::string path = NewRoot();
  {
    TestSession session;
    ASSERT_TRUE(session.Connect());
    ASSERT_TRUE(session->Create(path, "", Lifetime::kEphemeral));
    const auto stat = observer->Exists(path, Watch::kYes);
    ASSERT_TRUE(stat && stat->has_value());
    EXPECT_EQ((*stat)->ephemeral_owner, session->id());
  }
  EXPECT_TRUE(observer.Saw(Kind::kNodeChanged, path));
  EXPECT_FALSE(observer->Exists(path, Watch::kNo).value().has_value());
}

TEST(SessionTest, MakesAndHidesItsChroot) {
  const std::string chroot = NewRoot();
  TestSession session({SharedZooKeeper().endpoint()}, 2s, chroot);
  TestSession plain;
  ASSERT_TRUE(session.Connect() && plain.Connect());
  ASSERT_TRUE(session->EnsurePath("/redis/master"));
  EXPECT_EQ(session->Create("/redis/master/x", "", Lifetime::kEphemeral).value(), "/redis/master/x");
  EXPECT_TRUE(plain->Exists(chroot + "/redis/master/x", Watch::kNo).value().has_value());
}

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

TEST(SessionTest, SurvivesALostConnection) {
  Proxy proxy(SharedZooKeeper().endpoint());
  TestSession session({proxy.endpoint()});
  ASSERT_TRUE(session.Connect());
  const auto id = session->id();
  const std::string path = NewRoot();
  ASSERT_TRUE(session->Create(path, "", Lifetime::kEphemeral));
  session.Forget();
  proxy.Disconnect();
  EXPECT_TRUE(session.Saw(Kind::kDisconnected));
  EXPECT_TRUE(session.Saw(Kind::kConnected));
  EXPECT_EQ(session->id(), id);
  EXPECT_TRUE(session->Exists(path, Watch::kNo).value().has_value());
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
}  // namespace redis_zk::testing
