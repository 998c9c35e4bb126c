// A master whose user does not want it to be one.
#include <gmock/gmock.h>

#include <functional>
#include <initializer_list>
#include <string>

#include "base/exit_code.h"
#include "unit/log_fixture.h"
#include "unit/serving_fixture.h"

namespace redis_zk::testing::give_way_test {
namespace {

using redis::Role;
using ::testing::HasSubstr;
using ::testing::Not;

class GiveWayTest : public ServingTest {
 protected:
  // It began alone. From kServes on B is its replica, and then `change` has been made.
  static void Begin(
      WrapperSite& site, const char* priority = "0",
      const std::function<void(WrapperSite&)>& change = [](WrapperSite&) {}) {
    WriteFile(site.options.redis_conf,
              "dir " + site.dir.path().string() + "\nreplica-priority " + priority + "\n");
    site.options.cold_start_wait = 0ms;
    site.servers.manners.with = [priority](auto& redis) { redis.config["replica-priority"] = priority; };
    site.After(kServes, [&site, change] {
      site.fleet.AddReplica(kB, site.self).config["replica-priority"] = "100";
      site.RegisterMember(kB);
      site.AddSentinel(site.self);
      change(site);
    });
  }
};

TEST_F(GiveWayTest, HandsOverToTheFirstThatHasItsData) {
  WrapperSite site;
  const CapturedLog log;
  Begin(site);
  site.LookAfter(kServes + 10s, [&] {
    EXPECT_EQ(site.fleet.redis(kB).role, Role::kMaster);
    EXPECT_EQ(site.own().role, Role::kReplica);
    EXPECT_EQ(site.own().master, kB);
    EXPECT_LE(site.own().paused_until, Clock::now()) << "its clients are told that it is no master";
    EXPECT_THAT(site.other_session->Get(site.other.event_log.Path(), zookeeper::Watch::kNo)->data,
                HasSubstr("priority-zero-gave-way"));
  });
  EXPECT_EQ(site.Run(signals()), kExitStopped);
  EXPECT_TRUE(site.looked);
  EXPECT_THAT(log.text(), HasSubstr("because this master has replica-priority 0"));
}

TEST_F(GiveWayTest, StaysWhereNobodyCanTakeOver) {
  struct Row {
    const char* name;
    const char* priority;
    std::function<void(WrapperSite&)> change;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"its user wants it to be one", "100", [](auto&) {}},
           {"the replica is a backup, too", "0",
            [](auto& s) { s.fleet.redis(kB).config["replica-priority"] = "0"; }},
           {"the replica copies the data", "0", [](auto& s) { s.fleet.redis(kB).synchronising = true; }},
           {"the replica lacks some writes", "0",
            [](auto& s) { s.own().offset = s.fleet.redis(kB).offset + 1'000'001; }},
           {"the replica has other data", "0",
            [](auto& s) { s.fleet.redis(kB).replication_id = std::string(40, 'f'); }},
           {"the replica is none of the group", "0", [](auto& s) { s.Unregister(kB); }},
           {"the replica's registration says that it does not serve", "0",
            [](auto& s) { s.RegisterMember(kB, /*serving=*/false); }},
           {"an operator wants it to be one", "0",
            [](auto& s) { s.own().config["replica-priority"] = "10"; }},
           {"ZooKeeper is away", "0", [](auto& s) { s.zookeeper.Stop(); }}}) {
    WrapperSite site;
    const CapturedLog log;
    Begin(site, row.priority, row.change);
    site.LookAfter(kServes + 15s, [&] {
      EXPECT_EQ(site.own().role, Role::kMaster) << row.name;
      EXPECT_EQ(Orders(site, "CLIENT PAUSE 2500 WRITE"), 0) << row.name;
    });
    site.options.handover_timeout = 0ms;
    site.Run(signals());
    EXPECT_TRUE(site.looked) << row.name;
    EXPECT_THAT(log.text(), Not(HasSubstr("replica-priority"))) << row.name;
  }
}

TEST_F(GiveWayTest, TellsOfAReplicaThatIsNoSuccessorForLong) {
  WrapperSite site;
  const CapturedLog log;
  Begin(site, "0", [](auto& s) { s.Unregister(kB); });
  site.After(kServes + 20s, [&] { EXPECT_THAT(log.text(), Not(HasSubstr("is not registered"))); });
  site.LookAfter(kServes + 40s, [&] {
    EXPECT_THAT(log.text(), HasSubstr("10.0.0.2:6379 is not registered"));
    EXPECT_EQ(site.own().role, Role::kMaster);
  });
  site.options.handover_timeout = 0ms;
  site.Run(signals());
  EXPECT_TRUE(site.looked);
}

TEST_F(GiveWayTest, AReplicaThatIsAMomentBehindTakesOver) {
  WrapperSite site;
  const CapturedLog log;
  // It catches up once writes are paused.
  Begin(site, "0", [](auto& s) {
    s.own().offset = s.fleet.redis(kB).offset + 1000;
    s.After(6s, [&s] { s.fleet.redis(kB).offset = s.own().offset; });
  });
  site.LookAfter(kServes + 20s, [&] { EXPECT_EQ(site.fleet.redis(kB).role, Role::kMaster) << log.text(); });
  site.Run(signals());
  EXPECT_TRUE(site.looked);
}

TEST_F(GiveWayTest, AStrangerIsNotPromotedInPlaceOfAMember) {
  WrapperSite site;
  const CapturedLog log;
  Begin(site, "0", [](auto& s) {
    // Sentinel would like it best.
    s.fleet.AddReplica(kC, s.self).config["replica-priority"] = "1";
  });
  site.LookAfter(kServes + 30s, [&] {
    EXPECT_EQ(site.fleet.redis(kB).role, Role::kMaster) << log.text();
    EXPECT_EQ(site.fleet.redis(kC).role, Role::kReplica);
  });
  site.Run(signals());
  EXPECT_TRUE(site.looked);
}

TEST_F(GiveWayTest, TriesLessAndLessOften) {
  WrapperSite site;
  const CapturedLog log;
  Begin(site, "0", [](auto& s) { s.fleet.forbidden = {"10.0.0.7:26379 SENTINEL FAILOVER"}; });
  constexpr Duration kFor = 20min;
  site.LookAfter(kServes + kFor, [&] {
    const int pauses = Orders(site, "CLIENT PAUSE 2500 WRITE");
    EXPECT_GE(pauses, 4);
    // Every 10 s it would be 100.
    EXPECT_LE(pauses, 12);
  });
  site.options.handover_timeout = 0ms;
  site.Run(signals());
  EXPECT_TRUE(site.looked);
}

TEST_F(GiveWayTest, AHandoverThatFailsIsTriedAgainAndWritesGoOn) {
  WrapperSite site;
  const CapturedLog log;
  Begin(site, "0", [](auto& s) { s.fleet.forbidden = {"10.0.0.7:26379 SENTINEL FAILOVER"}; });
  site.After(kServes + 20s, [&] {
    EXPECT_EQ(site.own().role, Role::kMaster);
    EXPECT_LE(site.own().paused_until, Clock::now());
    site.fleet.forbidden.clear();
  });
  site.LookAfter(kServes + 60s, [&] { EXPECT_EQ(site.own().role, Role::kReplica); });
  site.Run(signals());
  EXPECT_TRUE(site.looked);
  EXPECT_THAT(log.text(), HasSubstr("replica-priority 0 and could not hand over"));
  EXPECT_THAT(log.text(), HasSubstr("because this master has replica-priority 0"));
}

TEST_F(GiveWayTest, ASecondRequestToStopLeavesIt) {
  for (const bool again : {false, true}) {
    WrapperSite site;
    const CapturedLog log;
    // Its Sentinel takes the order, and does nothing.
    Begin(site, "0", [](auto& s) { s.fleet.sentinel(kSentinel).promotes_after = 1h; });
    site.StopAfter(kServes + 4s);
    if (again) site.StopAfter(kServes + 5s);
    const TimePoint begun = Clock::now();
    EXPECT_EQ(site.Run(signals()), kExitStopped);
    const auto took = Clock::now() - begun;
    EXPECT_LE(took, kServes + (again ? 7s : 12s)) << "HANDOVER_TIMEOUT is 5 s";
  }
}

TEST_F(GiveWayTest, AStopEndsItAndHandsOverAllTheSame) {
  // Before it, in the midst of it, after it.
  for (Duration at = 0ms; at < 5s; at += 130ms) {
    WrapperSite site;
    Begin(site);
    site.StopAfter(kServes + at);
    EXPECT_EQ(site.Run(signals()), kExitStopped) << at.count();
    EXPECT_EQ(site.fleet.redis(kB).role, Role::kMaster) << at.count();
  }
}

}  // namespace
}  // namespace redis_zk::testing::give_way_test
