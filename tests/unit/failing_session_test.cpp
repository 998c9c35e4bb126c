#include "support/failing_session.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/fault_site.h"

namespace redis_zk::testing::failing_session_test {
namespace {

using zookeeper::kAnyVersion;
using zookeeper::Lifetime;
using zookeeper::Transaction;
using zookeeper::Watch;
using Call = FailingSession::Call;

class FailingSessionTest : public ::testing::Test {
 protected:
  bool Exists(const std::string& path) const {
    return site_.other_session->Exists(path, Watch::kNo).value().has_value();
  }
  Result<std::string> Create(const std::string& path) {
    return site_.session.Create(path, "", Lifetime::kEphemeral);
  }

  FaultSite site_;
  FailingSession& session_ = site_.session;
};

TEST_F(FailingSessionTest, PassesOnWhatIsNotToFail) {
  EXPECT_TRUE(session_.connected());
  EXPECT_NE(session_.id(), 0);
  EXPECT_TRUE(session_.Answers(1s));
  ASSERT_TRUE(session_.EnsurePath("/a/b"));
  EXPECT_EQ(session_.calls(), 3) << "one for each question, and one for what it creates";
  ASSERT_TRUE(session_.Set("/a/b", "x", 0));
  EXPECT_EQ(session_.Get("/a/b", Watch::kNo)->data, "x");
  EXPECT_EQ(session_.GetAll({"/a/b"}, Watch::kNo).front()->data, "x");
  EXPECT_EQ(session_.Children("/a", Watch::kNo).value(), std::vector<std::string>{"b"});
  EXPECT_EQ(session_.ChildrenOfAll({"/a"}, Watch::kNo).front().value(), std::vector<std::string>{"b"});
  EXPECT_EQ(session_.Delete("/a/b", 0).error().kind, ErrorKind::kConflict);
  EXPECT_TRUE(session_.Commit({}));
  EXPECT_EQ(session_.faults(), 0);
}

TEST_F(FailingSessionTest, BeforeItTakesEffectNothingHappens) {
  session_.FailCall(0, Fault::kBefore);
  EXPECT_EQ(Create("/a").error().kind, ErrorKind::kUnavailable);
  EXPECT_FALSE(Exists("/a"));
  EXPECT_TRUE(Create("/a")) << "once";
  EXPECT_EQ(session_.faults(), 1);
}

TEST_F(FailingSessionTest, AfterItTookEffectOnlyTheAnswerIsLost) {
  session_.FailCall(1, Fault::kAfter);
  EXPECT_TRUE(Create("/a"));
  EXPECT_EQ(Create("/b").error().kind, ErrorKind::kUnknownOutcome);
  EXPECT_TRUE(Exists("/b"));
}

TEST_F(FailingSessionTest, ALateRequestTakesEffectBeforeTheNextOne) {
  session_.FailCall(0, Fault::kLate);
  EXPECT_EQ(Create("/a").error().kind, ErrorKind::kUnknownOutcome);
  EXPECT_FALSE(Exists("/a"));
  EXPECT_TRUE(session_.Exists("/a", Watch::kNo).value().has_value());
  session_.FailCall(0, Fault::kLate);
  EXPECT_FALSE(session_.Delete("/a", kAnyVersion));
  EXPECT_TRUE(Exists("/a"));
  session_.DeliverLate();
  EXPECT_FALSE(Exists("/a"));
}

TEST_F(FailingSessionTest, ALateRequestOfAnEndedSessionIsLost) {
  session_.FailCall(0, Fault::kLate);
  EXPECT_FALSE(Create("/a"));
  site_.Expire();
  EXPECT_TRUE(Create("/b"));
  EXPECT_FALSE(Exists("/a"));
}

TEST_F(FailingSessionTest, WhatIsNotSentIsNotLost) {
  site_.zookeeper.Disconnect(session_.id());
  session_.FailEvery(Call::kCreate, Fault::kAfter);
  EXPECT_EQ(Create("/a").error().kind, ErrorKind::kUnavailable);
}

TEST_F(FailingSessionTest, EveryCallOfOneKindFailsUntilItIsHealed) {
  for (const Call kind : {Call::kGet, Call::kGetAll, Call::kExists, Call::kChildren, Call::kChildrenOfAll,
                          Call::kCreate, Call::kSet, Call::kDelete, Call::kCommit}) {
    session_.FailEvery(kind, Fault::kBefore);
    const std::vector<bool> failed{
        !session_.Get("/", Watch::kNo),
        !session_.GetAll({"/", "/"}, Watch::kNo).back(),
        !session_.Exists("/", Watch::kNo),
        !session_.Children("/", Watch::kNo),
        !session_.ChildrenOfAll({"/", "/"}, Watch::kNo).back(),
        !Create("/a"),
        !session_.Set("/", "", kAnyVersion),
        kind == Call::kDelete ? !session_.Delete("/a", kAnyVersion)
                              : !site_.other_session->EnsurePath("/a") || !session_.Delete("/a", kAnyVersion),
        !session_.Commit({})};
    for (std::size_t i = 0; i < failed.size(); ++i)
      EXPECT_EQ(failed[i], i == static_cast<std::size_t>(kind)) << i << " of " << static_cast<int>(kind);
    session_.Heal();
    (void)session_.Delete("/a", kAnyVersion);
  }
  EXPECT_TRUE(session_.Get("/", Watch::kNo));
}

TEST_F(FailingSessionTest, SomethingElseHappensBeforeTheCallerIsTold) {
  bool seen = false;
  session_.FailCall(0, Fault::kAfter, [&] {
    seen = Exists("/a");
    site_.Expire();
  });
  EXPECT_EQ(Create("/a").error().kind, ErrorKind::kUnknownOutcome);
  EXPECT_TRUE(seen);
  EXPECT_FALSE(Exists("/a"));
}

}  // namespace
}  // namespace redis_zk::testing::failing_session_test
