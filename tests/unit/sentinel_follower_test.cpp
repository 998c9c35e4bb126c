#include "watcher/sentinel_follower.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "support/fake_pubsub.h"
#include "support/fake_time.h"
#include "unit/log_fixture.h"
#include "watcher/sentinel_follower.h"

namespace redis_zk::testing::sentinel_follower_test {
namespace {

using sentinel::SubscriberEvent;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using watcher::SentinelFollower;

const std::vector<store::Sentinel> kSentinels{{"1", {"10.0.0.1", 26379}}, {"2", {"10.0.0.2", 26379}}};
const std::string kMaster = "master g 10.0.0.1 6379";

class SentinelFollowerTest : public LogTest {
 protected:
  // What became of what was said meanwhile; the last of it.
  SentinelFollower::News Turn() {
    SentinelFollower::News news;
    for (const auto& event : std::exchange(said_, {})) news = follower_.Reduce(event);
    follower_.Follow(kSentinels);
    return news;
  }
  void FollowOne() {
    Turn();
    pubsub_.Confirm();
    Turn();
    ASSERT_TRUE(follower_.following());
  }
  int CountLogged(const std::string& what) const {
    const std::string text = Logged();
    int count = 0;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
    return count;
  }

  FakeTime time_;
  FakePubSub pubsub_;
  std::vector<SubscriberEvent> said_;
  SentinelFollower follower_{pubsub_.Subscribe(), [this](SubscriberEvent event) { said_.push_back(event); }};
};

TEST_F(SentinelFollowerTest, FollowsNoneWhereNoneIsRegistered) {
  follower_.Follow({});
  EXPECT_THAT(pubsub_.chosen(), IsEmpty());
  EXPECT_EQ(follower_.following(), std::nullopt);
}

TEST_F(SentinelFollowerTest, FollowsARegisteredSentinelOnceItHasConfirmed) {
  Turn();
  ASSERT_TRUE(pubsub_.followed());
  EXPECT_EQ(follower_.following(), std::nullopt);
  pubsub_.Confirm();
  const auto news = Turn();
  EXPECT_TRUE(news.following_changed);
  EXPECT_TRUE(news.missed_events) << "pub/sub forgets";
  EXPECT_EQ(follower_.following(), pubsub_.followed());
  EXPECT_THAT(Logged(), HasSubstr("following Sentinel " + pubsub_.followed()->ToAddress()));
  for (int turn = 0; turn < 10; ++turn) Turn();
  EXPECT_EQ(pubsub_.chosen().size(), 1U) << "one, and no second";
}

TEST_F(SentinelFollowerTest, SeveralWatchersSeldomDependOnTheSameOne) {
  std::set<Endpoint> chosen;
  for (int watcher = 0; watcher < 64; ++watcher) {
    FakePubSub pubsub;
    SentinelFollower follower(pubsub.Subscribe(), [](const SubscriberEvent&) {});
    follower.Follow(kSentinels);
    chosen.insert(*pubsub.followed());
  }
  EXPECT_EQ(chosen.size(), 2U);
}

TEST_F(SentinelFollowerTest, HintsAtTheGroupWhoseMasterMayHaveChanged) {
  FollowOne();
  pubsub_.Publish("+switch-master", "g 10.0.0.1 6379 10.0.0.2 6379");
  const auto news = Turn();
  EXPECT_EQ(news.hinted_group, "g");
  EXPECT_FALSE(news.following_changed);
  EXPECT_FALSE(news.missed_events);
  pubsub_.Publish("+promoted-slave", "slave 10.0.0.2:6379 10.0.0.2 6379 @ g 10.0.0.1 6379");
  EXPECT_EQ(Turn().hinted_group, "g");
  pubsub_.Publish("+sdown", "slave 10.0.0.2:6379 10.0.0.2 6379 @ g 10.0.0.1 6379");
  EXPECT_EQ(Turn().hinted_group, "");
  pubsub_.Publish("+new-epoch", "4");
  EXPECT_EQ(Turn().hinted_group, "");
}

TEST_F(SentinelFollowerTest, TellsTheStepsOfAFailover) {
  FollowOne();
  pubsub_.Publish("+sdown", kMaster);
  auto news = Turn();
  ASSERT_TRUE(news.step);
  EXPECT_EQ(news.step->kind, watcher::event_kind::kMasterDown);
  EXPECT_EQ(std::get<Endpoint>(news.step->fields.at("sentinel")), *pubsub_.followed());
  pubsub_.Publish("+switch-master", "g 10.0.0.1 6379 10.0.0.2 6379");
  news = Turn();
  EXPECT_TRUE(news.step);
  EXPECT_EQ(news.hinted_group, "g") << "it is a hint as well";
  pubsub_.Publish("+new-epoch", "4");
  EXPECT_FALSE(Turn().step);
}

TEST_F(SentinelFollowerTest, KnowsSinceWhenAMasterIsMissed) {
  FollowOne();
  const TimePoint since = Clock::now();
  pubsub_.Publish("+sdown", kMaster);
  pubsub_.Publish("+sdown", "slave 10.0.0.2:6379 10.0.0.2 6379 @ h 10.0.0.9 6379");
  Turn();
  time_.Advance(1s);
  pubsub_.Publish("+sdown", kMaster);
  pubsub_.Publish("+odown", kMaster);
  Turn();
  EXPECT_THAT(follower_.called_down(), ElementsAre(std::pair("g", since))) << "masters only, first seen";
  pubsub_.Publish("-sdown", kMaster);
  Turn();
  EXPECT_THAT(follower_.called_down(), IsEmpty());
  pubsub_.Publish("+sdown", kMaster);
  Turn();
  follower_.ForgetOutage("g");
  EXPECT_THAT(follower_.called_down(), IsEmpty());
  pubsub_.Publish("+sdown", kMaster);
  Turn();
  pubsub_.Lose("it is gone");
  Turn();
  EXPECT_THAT(follower_.called_down(), IsEmpty()) << "no Sentinel would tell that the master is back";
}

TEST_F(SentinelFollowerTest, FollowsAnotherOneAfterAGrowingDelay) {
  FollowOne();
  pubsub_.Lose("the connection was closed");
  const auto news = Turn();
  EXPECT_TRUE(news.following_changed);
  EXPECT_FALSE(news.missed_events) << "not before another one is followed";
  EXPECT_EQ(follower_.following(), std::nullopt);
  EXPECT_EQ(pubsub_.followed(), std::nullopt);
  Duration delay{};
  for (int attempt = 0; attempt < 10; ++attempt) {
    const TimePoint lost_at = Clock::now();
    while (!pubsub_.followed()) {
      time_.Advance(10ms);
      Turn();
      ASSERT_LT(Clock::now() - lost_at, 4s);
    }
    delay = std::chrono::ceil<Duration>(Clock::now() - lost_at);
    EXPECT_GE(delay, attempt < 5 ? 50ms : 1500ms) << attempt;
    pubsub_.Lose("the connection was closed");
    Turn();
  }
  EXPECT_LE(delay, 3s + 10ms);
  EXPECT_LE(CountLogged("lost the followed Sentinel: "), 2) << "once for each of them:\n" << Logged();

  while (!pubsub_.followed()) {
    time_.Advance(10ms);
    Turn();
  }
  pubsub_.Confirm();
  Turn();
  pubsub_.Lose("the connection was closed");
  Turn();
  const TimePoint lost_at = Clock::now();
  while (!pubsub_.followed()) {
    time_.Advance(10ms);
    Turn();
  }
  EXPECT_LE(Clock::now() - lost_at, 110ms) << "the delay begins anew once one was followed";
}

TEST_F(SentinelFollowerTest, ALossIsNewsAgainAfterOneWasFollowed) {
  for (int time = 0; time < 3; ++time) {
    FollowOne();
    pubsub_.Lose("the connection was closed");
    Turn();
    time_.Advance(4s);
  }
  EXPECT_EQ(CountLogged("lost the followed Sentinel: "), 3) << Logged();
}

TEST_F(SentinelFollowerTest, WhatAnotherSentinelSaidIsIgnored) {
  FollowOne();
  const SubscriberEvent late{SubscriberEvent::Kind::kLost, {"10.0.0.9", 26379}, {}, "late"};
  const auto news = follower_.Reduce(late);
  EXPECT_FALSE(news.following_changed);
  EXPECT_TRUE(follower_.following());
}

TEST_F(SentinelFollowerTest, TriesAgainWhereThereIsNoRoomForAThread) {
  pubsub_.no_thread = true;
  for (int turn = 0; turn < 100; ++turn) {
    Turn();
    time_.Advance(100ms);
  }
  EXPECT_EQ(CountLogged("cannot create a thread to follow a Sentinel"), 1) << Logged();
  EXPECT_EQ(follower_.following(), std::nullopt);
  pubsub_.no_thread = false;
  time_.Advance(3s);
  FollowOne();
}

}  // namespace
}  // namespace redis_zk::testing::sentinel_follower_test
