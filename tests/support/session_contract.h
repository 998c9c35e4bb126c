// What every zookeeper::Session does, as tests: included by the unit tests, for the fake, and by the
// integration tests, for the real one. Each instantiates SessionContract with a world of its own.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "support/recording_session.h"

namespace redis_zk::testing {

// A session whose connection and life are the test's to end.
class ContractSession : public RecordingSession {
 public:
  using RecordingSession::RecordingSession;

  // The connection is gone, and the session has noticed; it lives on.
  virtual void Disconnect() = 0;
  virtual void Reconnect() = 0;
  // The server has ended the session, and the client is about to learn of it.
  virtual void Expire() = 0;
};

class ContractWorld {
 public:
  virtual ~ContractWorld() = default;
  virtual std::unique_ptr<ContractSession> Open(const std::string& chroot,
                                                const zookeeper::Security& security) = 0;
};

using NewWorld = std::unique_ptr<ContractWorld> (*)();

class SessionContract : public ::testing::TestWithParam<NewWorld> {
 protected:
  using Kind = RecordingSession::Kind;
  using Transaction = zookeeper::Transaction;
  using Watch = zookeeper::Watch;
  static constexpr auto kAnyVersion = zookeeper::kAnyVersion;
  static constexpr auto kPersistent = zookeeper::Lifetime::kPersistent;
  static constexpr auto kEphemeral = zookeeper::Lifetime::kEphemeral;
  static constexpr auto kSequential = zookeeper::Lifetime::kEphemeralSequential;

  void SetUp() override {
    ASSERT_TRUE(mine_->Connect() && other_->Connect());
    ASSERT_TRUE(mine()->EnsurePath(root_));
    ASSERT_TRUE(mine()->EnsurePath(root_ + "/fence"));
  }

  RecordingSession& mine() { return *mine_; }
  RecordingSession& other() { return *other_; }

  void Put(const std::string& path, const std::string& data = "") {
    ASSERT_TRUE(other()->EnsurePath(path));
    ASSERT_TRUE(other()->Set(path, data, kAnyVersion));
  }

  // How often mine was told of a change there since Forget, everything that happened until now included.
  std::ptrdiff_t Told(const std::string& path) {
    const std::string fence = root_ + "/fence";
    EXPECT_TRUE(mine()->Get(fence, Watch::kYes));
    EXPECT_TRUE(other()->Set(fence, "", kAnyVersion));
    EXPECT_TRUE(mine().Saw(Kind::kNodeChanged, fence));
    return mine().Count(Kind::kNodeChanged, path);
  }

  template <class T>
  static ErrorKind KindOf(const Result<T>& result) {
    EXPECT_FALSE(result);
    return result ? ErrorKind::kInternal : result.error().kind;
  }

  const std::string root_ = NewRoot();
  const std::string a_ = root_ + "/a";
  const std::string b_ = root_ + "/b";
  const std::unique_ptr<ContractWorld> world_ = GetParam()();
  const std::unique_ptr<ContractSession> mine_ = world_->Open("", {});
  std::unique_ptr<ContractSession> other_ = world_->Open("", {});
};

TEST_P(SessionContract, CreatesAZnodeOnce) {
  EXPECT_EQ(mine()->Create(a_, "x", kPersistent).value(), a_);
  EXPECT_EQ(KindOf(mine()->Create(a_, "y", kPersistent)), ErrorKind::kAlreadyExists);
  EXPECT_EQ(KindOf(other()->Create(a_, "y", kEphemeral)), ErrorKind::kAlreadyExists);
  EXPECT_EQ(mine()->Get(a_, Watch::kNo)->data, "x");
  EXPECT_EQ(KindOf(mine()->Create("/", "", kPersistent)), ErrorKind::kAlreadyExists);
  EXPECT_EQ(KindOf(mine()->Create(root_ + "/no/parent", "", kPersistent)), ErrorKind::kNotFound);
  ASSERT_TRUE(mine()->Create(b_, "", kEphemeral));
  EXPECT_EQ(KindOf(mine()->Create(b_ + "/child", "", kPersistent)), ErrorKind::kRefused);
  for (const std::string& path : {std::string("relative"), root_ + "/", root_ + "//x"})
    EXPECT_EQ(KindOf(mine()->Create(path, "", kPersistent)), ErrorKind::kInvalid) << path;
}

TEST_P(SessionContract, SaysWhatIsMissing) {
  EXPECT_EQ(KindOf(mine()->Get(a_, Watch::kNo)), ErrorKind::kNotFound);
  EXPECT_FALSE(mine()->Exists(a_, Watch::kNo).value().has_value());
  EXPECT_EQ(KindOf(mine()->Children(a_, Watch::kNo)), ErrorKind::kNotFound);
  EXPECT_EQ(KindOf(mine()->Set(a_, "", kAnyVersion)), ErrorKind::kNotFound);
  EXPECT_EQ(KindOf(mine()->Delete(a_, kAnyVersion)), ErrorKind::kNotFound);
}

TEST_P(SessionContract, KeepsDataOfAnySizeAndContent) {
  for (const std::string& data : {std::string(), std::string("\0x\0", 3), std::string(200'000, 'x')}) {
    Put(a_, data);
    EXPECT_EQ(mine()->Get(a_, Watch::kNo)->data, data);
  }
}

TEST_P(SessionContract, CountsVersions) {
  Put(a_, "one");
  const auto before = mine()->Get(a_, Watch::kNo)->stat;
  EXPECT_EQ(before.version, 1);
  ASSERT_TRUE(mine()->Set(a_, "two", 1));
  EXPECT_EQ(KindOf(mine()->Set(a_, "three", 1)), ErrorKind::kConflict);
  EXPECT_EQ(KindOf(mine()->Delete(a_, 1)), ErrorKind::kConflict);
  const auto node = mine()->Get(a_, Watch::kNo);
  EXPECT_EQ(node->data, "two");
  EXPECT_EQ(node->stat.version, 2);
  EXPECT_EQ(node->stat.ephemeral_owner, 0);
  EXPECT_GE(node->stat.modified_at, before.modified_at);
  ASSERT_TRUE(mine()->Set(a_, "two", kAnyVersion));
  EXPECT_EQ(mine()->Exists(a_, Watch::kNo).value()->version, 3) << "the same data are a change, too";
  Put(a_ + "/child");
  EXPECT_EQ(KindOf(mine()->Delete(a_, kAnyVersion)), ErrorKind::kConflict) << "it has a child";
  EXPECT_EQ(mine()->Exists(a_, Watch::kNo).value()->version, 3) << "a child is no change of its data";
  ASSERT_TRUE(mine()->Delete(a_ + "/child", 1));
  ASSERT_TRUE(mine()->Delete(a_, 3));
  ASSERT_TRUE(mine()->Create(a_, "", kPersistent));
  EXPECT_EQ(mine()->Exists(a_, Watch::kNo).value()->version, 0);
}

TEST_P(SessionContract, ReadsManyAtOnceInOrder) {
  Put(a_, "1");
  Put(b_ + "/c", "2");
  const auto nodes = mine()->GetAll({b_ + "/c", root_ + "/none", a_}, Watch::kNo);
  ASSERT_EQ(nodes.size(), 3U);
  EXPECT_EQ(nodes[0]->data, "2");
  EXPECT_EQ(KindOf(nodes[1]), ErrorKind::kNotFound);
  EXPECT_EQ(nodes[2]->data, "1");
  const auto children = mine()->ChildrenOfAll({a_, root_ + "/none", b_, root_}, Watch::kNo);
  ASSERT_EQ(children.size(), 4U);
  EXPECT_TRUE(children[0]->empty());
  EXPECT_EQ(KindOf(children[1]), ErrorKind::kNotFound);
  EXPECT_EQ(*children[2], std::vector<std::string>{"c"});
  EXPECT_THAT(*children[3], ::testing::UnorderedElementsAre("a", "b", "fence"));
  EXPECT_TRUE(mine()->GetAll({}, Watch::kNo).empty());
}

TEST_P(SessionContract, NumbersSequentialZnodesByWhatTheParentHasSeen) {
  Put(a_);
  const auto create = [this] { return mine()->Create(a_ + "/n-", "", kSequential).value(); };
  EXPECT_EQ(create(), a_ + "/n-0000000000");
  EXPECT_EQ(create(), a_ + "/n-0000000001");
  ASSERT_TRUE(mine()->Delete(a_ + "/n-0000000001", kAnyVersion));
  EXPECT_EQ(create(), a_ + "/n-0000000002") << "no number twice";
  Put(a_ + "/plain");
  EXPECT_EQ(create(), a_ + "/n-0000000004") << "every child counts";
  Transaction transaction;
  transaction.Add(Transaction::CreateOp{a_ + "/m-", "", kSequential});
  ASSERT_TRUE(mine()->Commit(transaction));
  const auto stat = other()->Exists(a_ + "/m-0000000005", Watch::kNo);
  ASSERT_TRUE(stat.value().has_value());
  EXPECT_EQ(stat.value()->ephemeral_owner, mine()->id());
}

TEST_P(SessionContract, EphemeralsVanishWithTheSession) {
  ASSERT_TRUE(other()->Create(a_, "", kEphemeral));
  ASSERT_TRUE(other()->Create(b_, "", kPersistent));
  const auto stat = mine()->Exists(a_, Watch::kYes);
  ASSERT_TRUE(stat && stat->has_value());
  EXPECT_EQ((*stat)->ephemeral_owner, other()->id());
  other_.reset();
  EXPECT_TRUE(mine().Saw(Kind::kNodeChanged, a_));
  EXPECT_FALSE(mine()->Exists(a_, Watch::kNo).value().has_value());
  EXPECT_TRUE(mine()->Exists(b_, Watch::kNo).value().has_value());
}

TEST_P(SessionContract, AWatchFiresOnceForTheNextChange) {
  Put(a_);
  ASSERT_TRUE(mine()->Get(a_, Watch::kYes));
  ASSERT_TRUE(mine()->Exists(a_, Watch::kYes)) << "twice is once";
  ASSERT_TRUE(other()->Set(a_, "x", kAnyVersion));
  EXPECT_EQ(Told(a_), 1);
  ASSERT_TRUE(other()->Set(a_, "y", kAnyVersion));
  EXPECT_EQ(Told(a_), 1);
  ASSERT_TRUE(mine()->Get(a_, Watch::kYes));
  EXPECT_EQ(KindOf(other()->Set(a_, "z", 0)), ErrorKind::kConflict);
  EXPECT_EQ(Told(a_), 1) << "what failed changed nothing";
  ASSERT_TRUE(other()->Delete(a_, kAnyVersion));
  EXPECT_EQ(Told(a_), 2);
}

TEST_P(SessionContract, AWatchFiresForWhatItWatches) {
  Put(a_);
  ASSERT_TRUE(mine()->Get(a_, Watch::kYes));
  Put(a_ + "/child");
  EXPECT_EQ(Told(a_), 0) << "data, not children";
  Put(b_);
  ASSERT_TRUE(mine()->Children(b_, Watch::kYes));
  ASSERT_TRUE(other()->Set(b_, "x", kAnyVersion));
  EXPECT_EQ(Told(b_), 0) << "children, not data";
  ASSERT_TRUE(other()->Create(b_ + "/child", "", kPersistent));
  EXPECT_EQ(Told(b_), 1);
  ASSERT_TRUE(mine()->Children(b_, Watch::kYes));
  ASSERT_TRUE(other()->Create(b_ + "/child/grandchild", "", kPersistent));
  ASSERT_TRUE(other()->Set(b_ + "/child", "x", kAnyVersion));
  EXPECT_EQ(Told(b_), 1) << "names of children only";
  ASSERT_TRUE(other()->Delete(b_ + "/child/grandchild", kAnyVersion));
  ASSERT_TRUE(other()->Delete(b_ + "/child", kAnyVersion));
  EXPECT_EQ(Told(b_), 2);
}

TEST_P(SessionContract, AWatchOnWhatIsMissingFiresForItsCreationWhereExistsAsked) {
  ASSERT_TRUE(mine()->Exists(a_, Watch::kYes));
  EXPECT_EQ(KindOf(mine()->Get(b_, Watch::kYes)), ErrorKind::kNotFound);
  EXPECT_EQ(KindOf(mine()->Children(b_, Watch::kYes)), ErrorKind::kNotFound);
  ASSERT_TRUE(other()->Create(a_, "", kPersistent));
  ASSERT_TRUE(other()->Create(b_, "", kPersistent));
  EXPECT_EQ(Told(a_), 1);
  EXPECT_EQ(Told(b_), 0);
}

TEST_P(SessionContract, OneWhoWatchesAZnodeAndItsChildrenIsToldOfItsEndOnce) {
  Put(a_);
  ASSERT_TRUE(mine()->Get(a_, Watch::kYes));
  ASSERT_TRUE(mine()->Children(a_, Watch::kYes));
  ASSERT_TRUE(other()->Delete(a_, kAnyVersion));
  EXPECT_EQ(Told(a_), 1);
}

TEST_P(SessionContract, CommitsAllOrNothing) {
  Put(a_, "before");
  ASSERT_TRUE(mine()->GetAll({a_}, Watch::kYes).front());
  ASSERT_TRUE(mine()->Exists(b_, Watch::kYes));
  struct Row {
    Transaction::Op last;
    ErrorKind kind;
  };
  for (const auto& [last, kind] :
       std::vector<Row>{{Transaction::CheckOp{a_, 9}, ErrorKind::kConflict},
                        {Transaction::CheckOp{root_ + "/none", kAnyVersion}, ErrorKind::kNotFound},
                        {Transaction::CreateOp{b_, "", kPersistent}, ErrorKind::kAlreadyExists},
                        {Transaction::CreateOp{root_ + "/none/x", "", kPersistent}, ErrorKind::kNotFound},
                        {Transaction::SetOp{root_ + "/none", "", kAnyVersion}, ErrorKind::kNotFound},
                        {Transaction::DeleteOp{root_, kAnyVersion}, ErrorKind::kConflict}}) {
    Transaction wrong;
    wrong.Add(Transaction::SetOp{a_, "changed", kAnyVersion});
    wrong.Add(Transaction::CreateOp{b_, "", kPersistent});
    wrong.Add(last);
    EXPECT_EQ(KindOf(other()->Commit(wrong)), kind);
    EXPECT_EQ(mine()->Get(a_, Watch::kNo)->data, "before");
    EXPECT_FALSE(mine()->Exists(b_, Watch::kNo).value().has_value());
  }
  EXPECT_EQ(Told(a_), 0);
  Transaction right;
  right.Add(Transaction::SetOp{a_, "changed", 1});
  right.Add(Transaction::CheckOp{a_, 2});
  right.Add(Transaction::CreateOp{b_, "", kPersistent});
  right.Add(Transaction::DeleteOp{b_, 0});
  right.Add(Transaction::CreateOp{b_, "again", kEphemeral});
  ASSERT_TRUE(other()->Commit(right));
  EXPECT_EQ(Told(a_), 1);
  EXPECT_EQ(Told(b_), 1);
  EXPECT_EQ(mine()->Get(a_, Watch::kNo)->data, "changed");
  EXPECT_EQ(mine()->Get(b_, Watch::kNo)->stat.ephemeral_owner, other()->id());
}

TEST_P(SessionContract, LivesOnWithoutAConnectionAndTellsWhatItMissed) {
  Put(b_);
  ASSERT_TRUE(mine()->Create(a_, "", kEphemeral));
  ASSERT_TRUE(mine()->Get(b_, Watch::kYes));
  const auto id = mine()->id();
  EXPECT_TRUE(mine()->Answers(kPatience));
  mine_->Disconnect();
  EXPECT_TRUE(mine().Saw(Kind::kDisconnected));
  EXPECT_FALSE(mine()->connected());
  EXPECT_FALSE(mine()->Answers(kPatience));
  EXPECT_EQ(mine()->id(), id);
  EXPECT_EQ(KindOf(mine()->Get(a_, Watch::kNo)), ErrorKind::kUnavailable);
  EXPECT_EQ(KindOf(mine()->GetAll({a_}, Watch::kNo).front()), ErrorKind::kUnavailable);
  EXPECT_EQ(KindOf(mine()->Create(a_ + "x", "", kPersistent)), ErrorKind::kUnavailable);
  EXPECT_EQ(KindOf(mine()->Commit({})), ErrorKind::kUnavailable);
  EXPECT_EQ(KindOf(mine()->EnsurePath(root_)), ErrorKind::kUnavailable);
  ASSERT_TRUE(other()->Set(b_, "x", kAnyVersion));
  mine().Forget();
  mine_->Reconnect();
  EXPECT_TRUE(mine().Saw(Kind::kConnected));
  EXPECT_TRUE(mine().Saw(Kind::kNodeChanged, b_));
  EXPECT_EQ(mine()->id(), id);
  EXPECT_TRUE(mine()->Exists(a_, Watch::kNo).value().has_value());
}

TEST_P(SessionContract, BeginsANewSessionAfterItsEnd) {
  Put(b_);
  ASSERT_TRUE(mine()->Create(a_, "", kEphemeral));
  ASSERT_TRUE(mine()->Get(b_, Watch::kYes));
  const auto id = mine()->id();
  mine_->Expire();
  EXPECT_FALSE(other()->Exists(a_, Watch::kNo).value().has_value());
  EXPECT_TRUE(mine().Saw(Kind::kExpired));
  ASSERT_TRUE(mine().Until([&] { return mine()->connected() && mine()->id() != id; }));
  ASSERT_TRUE(mine()->Create(a_, "", kEphemeral));
  EXPECT_EQ(other()->Exists(a_, Watch::kNo).value()->ephemeral_owner, mine()->id());
  ASSERT_TRUE(other()->Set(b_, "x", kAnyVersion));
  EXPECT_EQ(Told(b_), 0) << "its watches ended with it";
}

TEST_P(SessionContract, MakesAndHidesItsChroot) {
  const auto session = world_->Open(a_ + "/deep", {});
  ASSERT_TRUE(session->Connect());
  auto& inside = **session;
  EXPECT_EQ(KindOf(inside.Get("/", Watch::kNo)), ErrorKind::kNotFound);
  EXPECT_EQ(KindOf(inside.Create("/x", "", kPersistent)), ErrorKind::kNotFound);
  for (int twice = 0; twice < 2; ++twice) ASSERT_TRUE(inside.EnsurePath("/x/y"));
  ASSERT_TRUE(inside.Children("/", Watch::kYes));
  ASSERT_TRUE(inside.Exists("/z", Watch::kYes));
  ASSERT_TRUE(mine()->Create(a_ + "/deep/z", "", kPersistent));
  EXPECT_TRUE(session->Saw(Kind::kNodeChanged, "/z"));
  EXPECT_TRUE(session->Saw(Kind::kNodeChanged, "/"));
  EXPECT_EQ(inside.Create("/x/n-", "", kSequential).value(), "/x/n-0000000001");
  EXPECT_TRUE(mine()->Exists(a_ + "/deep/x/n-0000000001", Watch::kNo).value().has_value());
}

}  // namespace redis_zk::testing
