// The ends of a redis-server that served.
#include <gmock/gmock.h>

#include <initializer_list>
#include <string>

#include "base/exit_code.h"
#include "support/reports.h"
#include "unit/log_fixture.h"
#include "unit/serving_fixture.h"

namespace redis_zk::testing::serving_end_test {
namespace {

using redis::Role;
using ::testing::Contains;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

class ServingEndTest : public ServingTest {};

TEST_F(ServingEndTest, AReplicaStopsWithoutAHandover) {
  WrapperSite site;
  const CapturedLog log;
  BeginAsReplica(site);
  site.StopAfter(kServes);
  EXPECT_EQ(site.Run(signals()), kExitStopped);
  EXPECT_THAT(log.text(), HasSubstr("stopping without a handover"));
  EXPECT_EQ(site.fleet.redis(kB).role, Role::kMaster);
}

TEST_F(ServingEndTest, AMasterHandsOverBeforeItStops) {
  WrapperSite site;
  const CapturedLog log;
  BeginAsMaster(site);
  site.StopAfter(kServes + 2s);
  EXPECT_EQ(site.Run(signals()), kExitStopped);
  EXPECT_EQ(site.fleet.redis(kB).role, Role::kMaster) << log.text();
  EXPECT_EQ(Orders(site, "REPLICAOF 10.0.0.2 6379"), 1);
}

TEST_F(ServingEndTest, AMasterRecordsItsSuccessorBeforeTheSentinelKnowsIt) {
  WrapperSite site;
  BeginAsMaster(site);
  site.After(kServes, [&] { site.fleet.sentinel(kSentinel).sees_after = 1min; });
  site.StopAfter(kServes + 2s);
  EXPECT_EQ(site.Run(signals()), kExitStopped);
  EXPECT_EQ(site.Record().master, kB);
  EXPECT_EQ(site.Record().epoch, 1U);
  EXPECT_EQ(site.Record().origin, store::Origin::kPromoted) << "so that the other Sentinels are told";
}

TEST_F(ServingEndTest, AMasterWithoutAReplicaStopsAllTheSame) {
  WrapperSite site;
  const CapturedLog log;
  site.StopAfter(kServes);
  EXPECT_EQ(site.Run(signals()), kExitStopped);
  EXPECT_THAT(log.text(), HasSubstr("stopping without a handover"));
}

TEST_F(ServingEndTest, ASecondSignalSkipsTheHandover) {
  WrapperSite site;
  BeginAsMaster(site);
  site.After(kServes, [&] { site.fleet.sentinel(kSentinel).state = FakeFleet::State::kSilent; });
  site.options.handover_timeout = 1min;
  site.StopAfter(kServes + 1s);
  site.StopAfter(kServes + 3s);
  const TimePoint begun = Clock::now();
  EXPECT_EQ(site.Run(signals()), kExitStopped);
  EXPECT_LT(Clock::now() - begun, kServes + 6s);
}

TEST_F(ServingEndTest, AMasterIsFencedWhileItsHandoverWaits) {
  WrapperSite site;
  BeginAsMaster(site);
  site.options.handover_timeout = 1min;
  // There is nobody to hand over to, and then nobody confirms it.
  site.After(kServes, [&] { site.fleet.sentinel(kSentinel).state = FakeFleet::State::kSilent; });
  site.StopAfter(kServes + 1s);
  site.After(kServes + 5s, [&] {
    EXPECT_EQ(site.own().config.at("min-replicas-to-write"), "0") << "ZooKeeper confirms it";
    site.zookeeper.Stop();
    site.fleet.redis(kB).state = FakeFleet::State::kSilent;
  });
  bool looked = false;
  site.After(kServes + 20s, [&] {
    looked = site.servers.running();
    EXPECT_EQ(site.own().config.at("min-replicas-to-write"), "65535");
  });
  site.StopAfter(kServes + 21s);
  EXPECT_EQ(site.Run(signals()), kExitStopped);
  EXPECT_TRUE(looked) << "the handover was still waiting";
}

TEST_F(ServingEndTest, LaggingReplicasDoNotUseUpTheTimeOfTheSave) {
  struct Row {
    const char* configured;
    bool forbidden;
    const char* expected;
    const char* line;
  };
  for (const Row& row :
       std::initializer_list<Row>{{"10", false, "2", "shutdown-timeout shortened from 10 s to 2 s"},
                                  {"1", false, "1", ""},
                                  {"", false, "", ""},
                                  {"10", true, "10", "cannot shorten shutdown-timeout from 10 s"}}) {
    WrapperSite site;
    const CapturedLog log;
    BeginAsMaster(site);
    site.options.handover_timeout = 0ms;
    site.After(kServes, [&site, &row] {
      site.own().config["shutdown-timeout"] = row.configured;
      if (std::string(row.configured).empty()) site.own().config.erase("shutdown-timeout");
      if (row.forbidden) site.own().forbidden = {{"CONFIG", "SET"}};
    });
    site.StopAfter(kServes + 2s);
    EXPECT_EQ(site.Run(signals()), kExitStopped);
    const auto& config = site.own().config;
    const auto found = config.find("shutdown-timeout");
    EXPECT_EQ(found == config.end() ? "" : found->second, row.expected);
    EXPECT_THAT(log.text(), HasSubstr(row.line));
  }
}

TEST_F(ServingEndTest, AServerThatDoesNotStopIsKilledAndWhatItCostsIsSaid) {
  struct Row {
    const char* conf;
    const char* append_only;
    const char* line;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"", "no", "7 changes since the last snapshot may be lost"},
           {"save \"\"\n", "no", "nothing is lost on disk"},
           {"appendonly yes\n", "yes", "writes that are not in the append-only file yet may be lost"}}) {
    WrapperSite site;
    const CapturedLog log;
    WriteFile(site.options.redis_conf, "dir " + site.dir.path().string() + "\n" + row.conf);
    site.servers.manners.stops_in.reset();
    site.servers.manners.with = [&row](auto& redis) {
      redis.unsaved_changes = 7;
      redis.config["appendonly"] = row.append_only;
    };
    site.StopAfter(kServes);
    const TimePoint begun = Clock::now();
    EXPECT_EQ(site.Run(signals()), kExitSignalBase + SIGKILL);
    EXPECT_GE(Clock::now() - begun, kServes + site.options.server.stop_timeout);
    EXPECT_THAT(log.text(), HasSubstr(row.line));
  }
}

TEST_F(ServingEndTest, ASecondInterruptKillsAServerThatStops) {
  WrapperSite site;
  site.servers.manners.stops_in.reset();
  site.options.handover_timeout = 0ms;
  site.StopAfter(kServes, SIGINT);
  site.StopAfter(kServes + 1s, SIGINT);
  const TimePoint begun = Clock::now();
  EXPECT_EQ(site.Run(signals()), kExitSignalBase + SIGKILL);
  EXPECT_LT(Clock::now() - begun, kServes + 5s);
}

TEST_F(ServingEndTest, AMasterWhoseServerEndedHasAReplicaPromoted) {
  for (const int code : {0, 3, 128 + SIGKILL}) {
    WrapperSite site;
    const CapturedLog log;
    BeginAsMaster(site);
    site.After(kServes + 2s, [&site, code] { site.servers.End(code); });
    EXPECT_EQ(site.Run(signals()), code == 0 ? kExitTryAgain : code);
    EXPECT_THAT(log.text(), HasSubstr("redis-server exited unexpectedly"));
    EXPECT_THAT(site.fleet.orders, Contains("10.0.0.7:26379 SENTINEL FAILOVER master1"));
  }
}

TEST_F(ServingEndTest, AReplicaWhoseServerEndedLeavesTheMasterAlone) {
  WrapperSite site;
  BeginAsReplica(site);
  site.After(kServes, [&] { site.servers.End(3); });
  EXPECT_EQ(site.Run(signals()), 3);
  EXPECT_THAT(site.fleet.orders, Not(Contains(EndsWith("SENTINEL FAILOVER master1"))));
}

TEST_F(ServingEndTest, TheNextWrapperTellsHowTheServerEnded) {
  WrapperSite site;
  BeginAsReplica(site);
  for (const int exits : {1, 2}) {
    site.After(kServes, [&] { site.servers.End(128 + SIGKILL); });
    EXPECT_EQ(site.Run(signals()), 128 + SIGKILL);
    site.LookAfter(kServes, [&] {
      const auto reports = Reports(site.other);
      ASSERT_EQ(reports.size(), 1U);
      EXPECT_EQ(reports[0].past.exits, exits);
      EXPECT_EQ(reports[0].past.last_exit, 128 + SIGKILL);
      EXPECT_EQ(reports[0].launches, 1);
    });
    EXPECT_EQ(site.Run(signals()), kExitStopped) << "one that is stopped counts for nothing";
  }
}

TEST_F(ServingEndTest, HowAHandoverEndedIsToldOnceItIsOver) {
  for (const bool possible : {true, false}) {
    WrapperSite site;
    BeginAsMaster(site);
    if (!possible)
      site.After(kServes, [&] { site.fleet.sentinel(kSentinel).state = FakeFleet::State::kSilent; });
    site.StopAfter(kServes + 2s);
    EXPECT_EQ(site.Run(signals()), kExitStopped);
    site.LookAfter(kServes, [&] {
      const auto reports = Reports(site.other);
      ASSERT_EQ(reports.size(), 1U);
      ASSERT_TRUE(reports[0].past.handover);
      EXPECT_EQ(reports[0].past.handover->done, possible) << reports[0].past.handover->sentence;
    });
    site.Run(signals());
    EXPECT_TRUE(site.looked);
  }
}

TEST_F(ServingEndTest, AGroupOfOneHasNobodyToHandOverTo) {
  WrapperSite site;
  site.StopAfter(kServes);
  EXPECT_EQ(site.Run(signals()), kExitStopped);
  site.LookAfter(kServes, [&] {
    const auto reports = Reports(site.other);
    ASSERT_EQ(reports.size(), 1U);
    EXPECT_FALSE(reports[0].past.handover);
  });
  site.Run(signals());
  EXPECT_TRUE(site.looked);
}

TEST_F(ServingEndTest, AnAddressThatIsGoneForGoodEndsIt) {
  // The kernel takes all of 127/8, and the loopback has one address of it.
  for (const bool replica : {false, true}) {
    WrapperSite site;
    const CapturedLog log;
    site.options.server.net_iface = "lo";
    site.options.server.bind.host = "127.0.0.99";
    site.options.server.announce = site.options.server.bind;
    if (replica) BeginAsReplica(site);
    site.StopAfter(1h);
    const TimePoint begun = Clock::now();
    EXPECT_EQ(site.Run(signals()), kExitTryAgain);
    EXPECT_GE(Clock::now() - begun, 10s) << "it may have been away for a moment";
    EXPECT_LT(Clock::now() - begun, 20s);
    EXPECT_THAT(log.text(), HasSubstr("bind address 127.0.0.99 disappeared from lo"));
    EXPECT_FALSE(site.servers.running());
  }
}

}  // namespace
}  // namespace redis_zk::testing::serving_end_test
