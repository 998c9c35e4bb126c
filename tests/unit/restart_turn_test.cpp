#include "sentinel-wrapper/restart_turn.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "unit/group_keeper_fixture.h"

namespace redis_zk::testing {
namespace {

using sentinel_wrapper::Reports;
using sentinel_wrapper::RestartTurn;
using State = FakeFleet::State;
using zookeeper::kAnyVersion;

class RestartTurnTest : public WrapperTest {
 protected:
  // Two sentinel-wrappers.
  struct Site {
    explicit Site(RestartTurnTest& test)
        : loop(zookeeper, test.signals(), test.common_, test.server_),
          rival_loop(zookeeper, test.signals(), test.common_, test.server_),
          mine(*loop, test.options_),
          theirs(*rival_loop, test.options_) {
      EXPECT_TRUE(other.groups.Ensure("master1"));
    }
    FakeZooKeeper zookeeper;
    std::unique_ptr<zookeeper::Session> other_session = OpenFake(zookeeper);
    store::Registry other{*other_session, "/redis"};
    FaultyLoop loop;
    FaultyLoop rival_loop;
    RestartTurn mine;
    RestartTurn theirs;
  };

  const sentinel::SentinelReport down_{
      .master = {"10.0.0.1", 6379}, .master_down = true, .down_after = 1500ms};
  const Reports reports_{{"g", down_}};
  const CapturedLog log_;
  const sentinel_wrapper::WrapperOptions options_{
      .common = common_, .server = server_, .sentinel_conf = {}, .sentinel_server_bin = {}};
};

TEST_F(RestartTurnTest, IsOnesAtATimeWhicheverRequestFails) {
  AtEveryCall([this](int number, Fault fault) {
    Site site(*this);
    site.loop.session().FailCall(number, fault);
    const bool mine = site.mine.Take(down_, "g");
    const bool happened = site.loop.session().faults() > 0;
    EXPECT_TRUE(mine || happened);
    EXPECT_EQ(site.mine.taken(), mine);
    EXPECT_FALSE(mine && site.theirs.Take(down_, "g"));
    EXPECT_FALSE(mine && site.mine.Take(down_, "g")) << "we have it";
    site.mine.GiveBack();
    // A failed one: the wrapper gives it back again and again.
    site.mine.GiveBack();
    EXPECT_FALSE(site.mine.taken());
    EXPECT_TRUE(site.theirs.Take(down_, "g"));
    EXPECT_FALSE(site.mine.Take(down_, "g"));
    return happened;
  });
}

TEST_F(RestartTurnTest, ComesAgainAfterAFaultAtItsEnd) {
  AtEveryCall([this](int number, Fault fault) {
    Site site(*this);
    EXPECT_TRUE(site.mine.Take(down_, "g"));
    site.loop.session().FailCall(number, fault);
    site.mine.GiveBack();
    site.loop.session().Heal();
    site.mine.GiveBack();
    EXPECT_TRUE(site.theirs.Take(down_, "g"));
    return site.loop.session().faults() > 0;
  });
}

TEST_F(RestartTurnTest, IsTakenWhereItsZnodeIsMissing) {
  Site site(*this);
  ASSERT_TRUE(site.other_session->Delete("/redis/rescue", kAnyVersion));
  EXPECT_TRUE(site.mine.Take(down_, "g"));
  site.mine.GiveBack();
  ASSERT_TRUE(site.other_session->Delete("/redis/rescue", kAnyVersion));
  site.loop.session().FailEvery(FailingSession::Call::kExists, Fault::kBefore);
  site.loop.session().FailEvery(FailingSession::Call::kCreate, Fault::kBefore);
  EXPECT_FALSE(site.mine.Take(down_, "g"));
}

TEST_F(RestartTurnTest, LastsUntilItsTimeIsOver) {
  Site site(*this);
  ASSERT_TRUE(site.mine.Take(down_, "g"));
  time_.Advance(down_.down_after + 4s);
  site.mine.GiveBackIfOver();
  site.mine.Look(reports_, false);
  EXPECT_TRUE(site.mine.taken());
  time_.Advance(1s);
  site.mine.GiveBackIfOver();
  EXPECT_FALSE(site.mine.taken());
  EXPECT_TRUE(site.theirs.Take(down_, "g"));
}

TEST_F(RestartTurnTest, EndsWhenItsSentinelHasDoneItsWork) {
  auto promoted = down_;
  promoted.master = {"10.0.0.2", 6379};
  for (const Reports& reports : {Reports{{"g", promoted}}, Reports{}}) {
    Site site(*this);
    ASSERT_TRUE(site.mine.Take(down_, "g"));
    site.mine.Look(reports, true);
    EXPECT_FALSE(site.mine.taken());
    EXPECT_TRUE(site.theirs.Take(down_, "g"));
  }
  Site site(*this);
  ASSERT_TRUE(site.mine.Take(down_, "g"));
  time_.Advance(1min);
  site.mine.Look(reports_, true);
  EXPECT_FALSE(site.mine.taken()) << "its time has passed meanwhile";
}

TEST_F(RestartTurnTest, IsWaitedForAsLongAsItIsNeeded) {
  Site site(*this);
  ASSERT_TRUE(site.theirs.Take(down_, "g"));
  EXPECT_FALSE(site.mine.Take(down_, "g"));
  site.mine.Look(reports_, true);
  site.theirs.GiveBack();
  EXPECT_FALSE(site.theirs.Take(down_, "g")) << "another one waits before it";
  EXPECT_TRUE(site.mine.Take(down_, "g"));
  site.mine.GiveBack();
  EXPECT_TRUE(site.theirs.Take(down_, "g"));
}

TEST_F(RestartTurnTest, EndsWithTheSessionOfItsOwner) {
  Site site(*this);
  ASSERT_TRUE(site.theirs.Take(down_, "g"));
  site.zookeeper.Expire(site.rival_loop.session().id());
  EXPECT_TRUE(site.mine.Take(down_, "g"));
  site.zookeeper.Disconnect(site.loop.session().id());
  site.mine.GiveBack();
  EXPECT_FALSE(site.mine.taken());
}

// Two Sentinels that know no replica of a dead master, of which one lives.
class BlindSentinelsTest : public GroupKeeperTest {
 protected:
  struct BlindSite : Site {
    explicit BlindSite(BlindSentinelsTest& test)
        : Site(test),
          rival_options(test.Rival()),
          rival_loop(zookeeper, test.signals(), rival_options.common, rival_options.server),
          rival(*rival_loop, rival_options, network.network(), network.network().sentinels) {
      fleet.AddSentinel(rival_options.server.bind, "master1", test.master_);
      rival.Reset({.sentinel_id = {}, .groups = {{"master1", test.master_, 1, {}}}, .peers = {}});
      EXPECT_FALSE(LookFor(1s) || RivalLook());
      AddReplica("master1", test.replica_, test.master_);
      EXPECT_TRUE(other.datasets.WriteHistory(
          "master1",
          {.replication_id = fleet.redis(test.replica_).replication_id, .offset = 1, .ancestors = {}}));
      Die("master1", test.master_);
      fleet.sentinel(rival_options.server.bind).groups.at("master1").master_down = true;
      for (const auto& sentinel : {own, rival_options.server.bind})
        fleet.sentinel(sentinel).groups.at("master1").replicas.clear();
    }
    std::optional<sentinel_wrapper::RestartRequest> RivalLook() { return rival.Look(); }

    const sentinel_wrapper::WrapperOptions rival_options;
    FaultyLoop rival_loop;
    sentinel_wrapper::GroupKeeper rival;
  };

  sentinel_wrapper::WrapperOptions Rival() const {
    auto options = options_;
    options.server = At({"127.0.0.1", FreePort()}, dir_);
    return options;
  }
};

TEST_F(BlindSentinelsTest, AreNotRestartedAtOnceWhicheverRequestFails) {
  AtEveryCall([this](int number, Fault fault) {
    BlindSite site(*this);
    site.loop.session().FailCall(number, fault);
    std::optional<sentinel_wrapper::RestartRequest> restart;
    for (int looks = 0; looks < 50 && !restart; ++looks) restart = site.LookFor(200ms);
    EXPECT_TRUE(restart && restart->in_turn);
    EXPECT_TRUE(site.keeper.busy());
    for (int looks = 0; looks < 20; ++looks) {
      EXPECT_FALSE(site.RivalLook()) << "the other one has its turn";
      time_.Advance(200ms);
    }
    // Again, for the first may be what fails.
    for (int twice = 0; twice < 2; ++twice) site.keeper.GiveTurnBack();
    EXPECT_TRUE(site.RivalLook());
    return site.loop.session().faults() > 0;
  });
}

TEST_F(BlindSentinelsTest, ThatDoNotAnswerLetTheOtherHaveTheTurn) {
  BlindSite site(*this);
  ASSERT_TRUE(site.LookFor(3s));
  site.fleet.sentinel(site.own).state = State::kSilent;
  EXPECT_FALSE(site.LookFor(1s));
  EXPECT_FALSE(site.RivalLook());
  time_.Advance(2s);
  EXPECT_TRUE(site.RivalLook());
}

TEST_F(BlindSentinelsTest, WaitForTheFailoverOfAnotherGroup) {
  BlindSite site(*this);
  site.AddGroup("g", other_master_);
  site.fleet.redis(replica_).loading = true;
  EXPECT_FALSE(site.LookFor(2s));
  site.fleet.redis(replica_).loading = false;
  site.Monitored("g").failing_over = true;
  EXPECT_FALSE(site.LookFor(3s));
  site.Monitored("g").failing_over = false;
  EXPECT_TRUE(site.LookFor(1s));
}

}  // namespace
}  // namespace redis_zk::testing
