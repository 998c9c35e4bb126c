// How a group keeper looks after its Sentinel: its settings, its silence, its dead masters.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "unit/group_keeper_fixture.h"

namespace redis_zk::testing::own_sentinel_test {
namespace {

using ::testing::HasSubstr;
using State = FakeFleet::State;

class OwnSentinelTest : public GroupKeeperTest {};

TEST_F(OwnSentinelTest, ThatIsSilentIsReportedAndGivenNoOrders) {
  Site site(*this);
  site.AddGroup("g", other_master_);
  site.fleet.sentinel(site.own).state = State::kSilent;
  site.fleet.orders.clear();
  EXPECT_FALSE(site.LookFor(3s));
  ASSERT_FALSE(site.keeper.answered());
  EXPECT_EQ(site.keeper.answered().error().kind, ErrorKind::kTimeout);
  EXPECT_TRUE(site.fleet.orders.empty()) << site.fleet.orders.front();
  site.fleet.sentinel(site.own).state = State::kAnswers;
  EXPECT_FALSE(site.LookFor(3s));
  EXPECT_TRUE(site.keeper.answered());
  EXPECT_TRUE(site.Monitors("g"));
}

TEST_F(OwnSentinelTest, IsLookedAfterOftenWhileItsMasterIsDown) {
  Site site(*this);
  EXPECT_FALSE(site.LookFor(1s));
  EXPECT_FALSE(site.keeper.busy());
  site.Die("master1", master_);
  EXPECT_FALSE(site.LookFor(1s));
  EXPECT_TRUE(site.keeper.busy());
  EXPECT_FALSE(site.LookFor(1min));
  EXPECT_FALSE(site.keeper.busy()) << "it is dead for long";
  site.fleet.redis(master_).state = State::kAnswers;
  site.Monitored("master1").master_down = false;
  EXPECT_FALSE(site.LookFor(1s));
  EXPECT_FALSE(site.keeper.busy());
}

TEST_F(OwnSentinelTest, GetsBackItsSettingsWhicheverQuestionFails) {
  AtEveryCall([this](int number, Fault fault) {
    Site site(*this);
    site.Monitored("master1").down_after = 1500ms;
    site.Started(master_);
    EXPECT_FALSE(site.LookFor(1s));
    site.Monitored("master1").down_after = 1ms;
    EXPECT_FALSE(site.LookFor(25s));
    EXPECT_EQ(site.Monitored("master1").down_after, 1ms) << "a handover may take so long";
    site.network.FailCall(number, fault);
    EXPECT_FALSE(site.LookFor(7s));
    site.network.Heal();
    EXPECT_FALSE(site.LookFor(1s));
    EXPECT_EQ(site.Monitored("master1").down_after, 1500ms);
    return number < 60 && site.network.faults() > 0;
  });
}

TEST_F(OwnSentinelTest, LosesAFailoverTimeoutThatWasLeftBehindSooner) {
  Site site(*this);
  site.Monitored("master1").failover_timeout = 1ms;
  EXPECT_FALSE(site.LookFor(6s));
  EXPECT_EQ(site.Monitored("master1").failover_timeout, 180s);
}

TEST_F(OwnSentinelTest, IsNotExpectedToKeepWhatWasLeftBehindAtItsStart) {
  Site site(*this);
  site.Monitored("master1").failover_timeout = 1ms;
  site.Started(master_);
  EXPECT_FALSE(site.LookFor(1s));
  site.Monitored("master1").failover_timeout = 20s;
  EXPECT_FALSE(site.LookFor(10s));
  site.Monitored("master1").failover_timeout = 1ms;
  EXPECT_FALSE(site.LookFor(6s));
  EXPECT_EQ(site.Monitored("master1").failover_timeout, 20s);
}

TEST_F(OwnSentinelTest, IsAskedNothingBeforeItIsStarted) {
  Site site(*this);
  const int asked = site.network.calls();
  site.keeper.Reset({.sentinel_id = {}, .groups = {}, .peers = {}});
  EXPECT_EQ(site.network.calls(), asked);
  EXPECT_TRUE(site.keeper.followed().empty());
}

TEST_F(OwnSentinelTest, IsRestartedOnTheRecordWhereItIsStuck) {
  Site site(*this);
  EXPECT_FALSE(site.LookFor(1s));
  site.Die("master1", master_);
  site.fleet.AddMaster(other_master_);
  site.Record("master1", other_master_, 2);
  const auto restart = site.LookFor(20s);
  ASSERT_TRUE(restart);
  EXPECT_EQ(restart->group, "master1");
  EXPECT_EQ(restart->record.master, other_master_);
}

TEST_F(OwnSentinelTest, TurnsBetweenManyDeadGroups) {
  Site site(*this);
  for (int i = 0; i < 20; ++i)
    site.AddGroup("many" + std::to_string(i), {"10.0.1." + std::to_string(i), 6379});
  EXPECT_FALSE(site.LookFor(3s));
  for (int i = 0; i < 20; ++i) {
    const Endpoint master{"10.0.1." + std::to_string(i), 6379};
    // The Sentinels name it, and the record another one, that takes its time.
    site.Die("many" + std::to_string(i), master);
    site.fleet.AddMaster({"10.0.2." + std::to_string(i), 6379}).state = State::kSilent;
    site.Record("many" + std::to_string(i), {"10.0.2." + std::to_string(i), 6379}, 2);
  }
  site.keeper.NoteNews();
  for (int looks = 0; looks < 5; ++looks) {
    const TimePoint begun = Clock::now();
    EXPECT_FALSE(site.keeper.Look());
    EXPECT_GE(Clock::now() - begun, 1s);
    EXPECT_LE(Clock::now() - begun, 2s) << "other groups wait";
  }
}

TEST_F(OwnSentinelTest, KeepsItsSettingsInTilt) {
  Site site(*this);
  site.fleet.sentinel(site.own).tilt = true;
  site.Monitored("master1").failover_timeout = 1ms;
  EXPECT_FALSE(site.LookFor(20s));
  EXPECT_EQ(site.Monitored("master1").failover_timeout, 1ms) << "a failover waits for the end of it";
}

TEST_F(OwnSentinelTest, AsksForInfoAsOftenAsItIsToldWhicheverQuestionFails) {
  AtEveryCall([this](int number, Fault fault) {
    Site site(*this);
    site.fleet.sentinel(site.own).info_period = 10s;
    site.network.FailCall(number, fault);
    site.Started(master_);
    EXPECT_FALSE(site.LookFor(11s));
    EXPECT_EQ(site.fleet.sentinel(site.own).info_period, 500ms);
    return number < 12 && site.network.faults() > 0;
  });
}

TEST_F(OwnSentinelTest, ThatKnowsNoInfoPeriodIsNotToldAgain) {
  Site site(*this);
  site.fleet.sentinel(site.own).knows_debug = false;
  site.fleet.sentinel(site.own).info_period = 10s;
  site.Started(master_);
  EXPECT_FALSE(site.LookFor(20s));
  const std::string text = log_.text();
  EXPECT_EQ(text.find("before Redis 7.0"), text.rfind("before Redis 7.0")) << text;
  EXPECT_THAT(text, HasSubstr("cannot set the INFO period before Redis 7.0"));
}

}  // namespace
}  // namespace redis_zk::testing::own_sentinel_test
