#include "zookeeper/lock.h"

#include <gtest/gtest.h>

#include <optional>

#include "integration/session_fixture.h"
#include "support/proxy.h"

namespace redis_zk::testing::lock_test {
namespace {

using zookeeper::kAnyVersion;
using zookeeper::Lifetime;
using zookeeper::Lock;
using zookeeper::Transaction;
using zookeeper::Watch;

class LockTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(first_.Connect() && second_.Connect());
    ASSERT_TRUE(first_->EnsurePath(path_));
  }

  std::vector<std::string> Contenders() { return first_->Children(path_, Watch::kNo).value(); }

  const std::string path_ = NewRoot();
  TestSession first_;
  TestSession second_;
};

TEST_F(LockTest, GoesToTheFirstAndThenToTheNext) {
  Lock a(*first_, path_, "a");
  Lock b(*second_, path_, "b");
  EXPECT_TRUE(a.Acquire().value());
  EXPECT_TRUE(a.Acquire().value()) << "held is held";
  EXPECT_FALSE(b.Acquire().value());
  EXPECT_FALSE(b.Acquire().value());
  EXPECT_EQ(Contenders().size(), 2U);
  second_.Forget();
  ASSERT_TRUE(a.Release());
  EXPECT_TRUE(second_.Saw(TestSession::Kind::kNodeChanged)) << "the next is told";
  EXPECT_TRUE(b.Acquire().value());
  EXPECT_TRUE(a.node().empty());
  ASSERT_TRUE(b.Release());
  EXPECT_TRUE(Contenders().empty());
}

TEST_F(LockTest, LeavesTheQueueWhenReleasedBeforeItsTurn) {
  Lock a(*first_, path_, "a");
  Lock b(*second_, path_, "b");
  ASSERT_TRUE(a.Acquire().value());
  ASSERT_FALSE(b.Acquire().value());
  ASSERT_TRUE(b.Release());
  EXPECT_EQ(Contenders().size(), 1U);
  ASSERT_TRUE(b.Release()) << "twice is no error";
}

TEST_F(LockTest, IgnoresForeignChildren) {
  ASSERT_TRUE(first_->Create(path_ + "/n-0000000000", "", Lifetime::kPersistent));
  ASSERT_TRUE(first_->Create(path_ + "/somebody's notes", "", Lifetime::kPersistent));
  Lock lock(*first_, path_, "a");
  EXPECT_TRUE(lock.Acquire().value());
}

TEST_F(LockTest, NamesItsOwnerAndIsNamedAsKazooNamesIt) {
  Lock lock(*first_, path_, "redis-wrapper 10.0.0.1:6379");
  ASSERT_TRUE(lock.Acquire().value());
  const std::string name = lock.node().substr(path_.size() + 1);
  EXPECT_EQ(name.size(), 32 + std::string("__lock__").size() + 10);
  EXPECT_EQ(name.find_first_not_of("0123456789abcdef"), 32U);
  EXPECT_TRUE(zookeeper::ContenderSequence(name).has_value());
  EXPECT_EQ(first_->Get(lock.node(), Watch::kNo)->data, "redis-wrapper 10.0.0.1:6379");
}

TEST_F(LockTest, JoinsAgainWhenSomebodyDeletedItsContender) {
  Lock a(*first_, path_, "a");
  Lock b(*second_, path_, "b");
  ASSERT_TRUE(a.Acquire().value());
  ASSERT_FALSE(b.Acquire().value());
  ASSERT_TRUE(second_->Delete(a.node(), kAnyVersion));
  EXPECT_TRUE(b.Acquire().value());
  EXPECT_FALSE(a.Acquire().value()) << "back to the end of the queue";
}

TEST_F(LockTest, StandsInTheQueueOnceWhenTheAnswerToItsCreationIsLost) {
  Proxy proxy(SharedZooKeeper().endpoint());
  TestSession session({proxy.endpoint()});
  ASSERT_TRUE(session.Connect());
  Lock lock(*session, path_, "a");
  // Its first request lists the queue, the second creates: the answer to either may be lost.
  proxy.Set(Proxy::Mode::kLoseAnswers);
  EXPECT_EQ(lock.Acquire().error().kind, ErrorKind::kUnknownOutcome);
  proxy.Set(Proxy::Mode::kForward);
  ASSERT_TRUE(session.Connect());
  ASSERT_TRUE(lock.Acquire().value());
  EXPECT_EQ(Contenders().size(), 1U);

  // The same for a creation that happened and was never answered: the contender stands there under our name.
  const std::string name = lock.node().substr(path_.size() + 1, 32);
  ASSERT_TRUE(session->Create(path_ + '/' + name + "__lock__", "", Lifetime::kEphemeralSequential));
  EXPECT_EQ(Contenders().size(), 2U);
  ASSERT_TRUE(lock.Acquire().value());
  EXPECT_EQ(Contenders().size(), 1U);
}

TEST_F(LockTest, IsLostWithTheSessionAndNobodyCanWriteUnderIt) {
  Proxy proxy(SharedZooKeeper().endpoint());
  TestSession session({proxy.endpoint()});
  ASSERT_TRUE(session.Connect());
  Lock lost(*session, path_, "lost");
  Lock next(*second_, path_, "next");
  ASSERT_TRUE(lost.Acquire().value());
  const std::string held = lost.node();
  ASSERT_FALSE(next.Acquire().value());
  second_.Forget();
  proxy.Set(Proxy::Mode::kSilent);
  ASSERT_TRUE(second_.Saw(TestSession::Kind::kNodeChanged)) << "the server ends the session";
  EXPECT_TRUE(next.Acquire().value());
  proxy.Set(Proxy::Mode::kForward);
  proxy.Disconnect();
  const auto id = session->id();
  ASSERT_TRUE(session.Until([&] { return session->connected() && session->id() != id; }));
  Transaction late;
  late.Add(Transaction::CheckOp{held, kAnyVersion});
  late.Add(Transaction::SetOp{path_, "too late", kAnyVersion});
  EXPECT_EQ(session->Commit(late).error().kind, ErrorKind::kNotFound);
  EXPECT_FALSE(lost.Acquire().value());
  EXPECT_NE(lost.node(), held);
}

}  // namespace
}  // namespace redis_zk::testing::lock_test
