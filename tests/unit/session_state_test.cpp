#include "zookeeper/session_state.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <optional>

namespace redis_zk::testing::session_state_test {
namespace {

using zookeeper::SessionState;
using Report = SessionState::Report;
using News = std::optional<zookeeper::SessionEvent::Kind>;

constexpr auto kConnected = zookeeper::SessionEvent::Kind::kConnected;
constexpr auto kDisconnected = zookeeper::SessionEvent::Kind::kDisconnected;
constexpr auto kExpired = zookeeper::SessionEvent::Kind::kExpired;

constexpr std::int64_t kId = 0x1234;
constexpr Duration kTimeout = 10s;
const TimePoint kNow = TimePoint{} + 100h;

TEST(SessionStateTest, TellsEachChangeOnce) {
  struct Row {
    Report report;
    News news;
    bool connected;
    std::int64_t id;
  };
  SessionState state(kNow);
  EXPECT_FALSE(state.connected());
  EXPECT_EQ(state.id(), 0);
  for (const auto& [report, news, connected, id] :
       std::initializer_list<Row>{{Report::kDisconnected, std::nullopt, false, 0},  // it only connects
                                  {Report::kConnected, kConnected, true, kId},
                                  {Report::kDisconnected, kDisconnected, false, kId},
                                  {Report::kDisconnected, std::nullopt, false, kId},
                                  {Report::kConnected, kConnected, true, kId},
                                  // To another server, without a word in between.
                                  {Report::kConnected, kConnected, true, kId}}) {
    EXPECT_EQ(state.Take(report, kId, kNow), news);
    EXPECT_EQ(state.connected(), connected);
    EXPECT_EQ(state.id(), id);
    EXPECT_FALSE(state.ended());
  }
}

TEST(SessionStateTest, EndsByExpiryAndByRefusal) {
  for (const auto end : {Report::kExpired, Report::kAuthFailed}) {
    for (const bool was_connected : {false, true}) {
      SessionState state(kNow);
      state.Take(Report::kConnected, kId, kNow);
      if (!was_connected) state.Take(Report::kDisconnected, kId, kNow);
      EXPECT_EQ(state.Take(end, kId, kNow), News(kExpired));
      EXPECT_TRUE(state.ended());
      EXPECT_EQ(state.refused(), end == Report::kAuthFailed);
      EXPECT_FALSE(state.connected());
      EXPECT_EQ(state.id(), 0);
    }
  }
}

TEST(SessionStateTest, IsOutlivedOnlyBySilenceOfMoreThanASession) {
  const Duration longest = kTimeout * 3 / 2;
  SessionState never(kNow);
  EXPECT_FALSE(never.Outlived(kTimeout, kNow + longest));
  EXPECT_TRUE(never.Outlived(kTimeout, kNow + longest + 1ms));

  SessionState state(kNow);
  state.Take(Report::kConnected, kId, kNow);
  EXPECT_FALSE(state.Outlived(kTimeout, kNow + 24h)) << "connected";
  state.Take(Report::kDisconnected, kId, kNow + 24h);
  EXPECT_FALSE(state.Outlived(kTimeout, kNow + 24h + longest)) << "counts from the loss, not from the start";
  // Vain tries to connect are no sign of life.
  state.Take(Report::kDisconnected, kId, kNow + 24h + longest);
  EXPECT_TRUE(state.Outlived(kTimeout, kNow + 24h + longest + 1ms));
  state.Take(Report::kConnected, kId, kNow + 25h);
  EXPECT_FALSE(state.Outlived(kTimeout, kNow + 25h));
}

}  // namespace
}  // namespace redis_zk::testing::session_state_test
