// A redis-server that serves, until its end.
#include <gmock/gmock.h>

#include <algorithm>
#include <initializer_list>
#include <string>

#include "base/exit_code.h"
#include "unit/log_fixture.h"
#include "unit/redis_wrapper_fixture.h"

namespace redis_zk::testing {
namespace {

using redis::Role;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// By then every start has come to an end, and a copy is complete.
constexpr Duration kServes = 10s;

class ServingTest : public RedisWrapperTest {
 protected:
  static std::string Health(const WrapperSite& site) {
    const auto text = ReadFile(site.dir.path() / ("health-" + std::to_string(site.options.server.port)));
    return text.substr(0, text.find('\n'));
  }
  // B is master, this node its replica, and a Sentinel knows both.
  static void BeginAsReplica(WrapperSite& site) {
    site.AddRecordedMaster(kB);
    site.AddSentinel(kB);
  }
  // This node is master, B its replica with all data, and a Sentinel knows both. From kServes on.
  static void BeginAsMaster(WrapperSite& site) {
    site.After(kServes - 1s, [&site] {
      site.fleet.AddReplica(kB, site.self);
      site.RegisterMember(kB);
      site.AddSentinel(site.self);
    });
  }
  // As Sentinels do it, and then a watcher.
  static void FailOverTo(WrapperSite& site, const Endpoint& master, std::uint64_t epoch = 2) {
    site.fleet.Promote(master);
    site.fleet.sentinel(kSentinel).groups.at(kGroup).master = master;
    site.WriteRecord(master, epoch);
  }
  static int Orders(const WrapperSite& site, const std::string& what) {
    return static_cast<int>(
        std::count(site.fleet.orders.begin(), site.fleet.orders.end(), site.self.ToAddress() + ' ' + what));
  }
};

TEST_F(ServingTest, RegistersAnewInEachSession) {
  WrapperSite site;
  site.After(kServes, [&] { site.zookeeper.Expire(site.session->id()); });
  site.After(kServes + 100ms, [&] { EXPECT_FALSE(site.MemberAt(site.self)) << "the test has its premise"; });
  site.LookAfter(kServes + 5s, [&] {
    EXPECT_TRUE(site.MemberAt(site.self).value().serving);
    EXPECT_EQ(site.other_session->Children("/redis/announced", zookeeper::Watch::kNo).value().size(), 1U);
    EXPECT_THAT(site.servers.launched, ElementsAre("master")) << "its server is none the wiser";
  });
  EXPECT_EQ(site.Run(signals()), kExitStopped);
  EXPECT_TRUE(site.looked);
}

TEST_F(ServingTest, IsRegisteredWhicheverAnswerIsLost) {
  AtEveryCall([this](int number, Fault fault) {
    WrapperSite site;
    site.After(kServes, [&] {
      site.zookeeper.Expire(site.session->id());
      site.session->FailCall(number, fault);
    });
    int faults = 0;
    site.LookAfter(kServes + 15s, [&] {
      faults = site.session->faults();
      EXPECT_TRUE(site.MemberAt(site.self) && site.MemberAt(site.self)->serving);
      EXPECT_EQ(site.Record().master, site.self);
      EXPECT_EQ(site.own().role, Role::kMaster);
      EXPECT_TRUE(site.servers.running());
    });
    EXPECT_EQ(site.Run(signals()), kExitStopped);
    return faults > 0 && number < 25;
  });
}

TEST_F(ServingTest, MakesWhatSomebodyDeleted) {
  WrapperSite site;
  site.After(kServes, [&] {
    auto& zookeeper = *site.other_session;
    for (const auto& member : zookeeper.Children("/redis/members/master1", zookeeper::Watch::kNo).value())
      EXPECT_TRUE(zookeeper.Delete("/redis/members/master1/" + member, zookeeper::kAnyVersion));
    EXPECT_TRUE(zookeeper.Delete("/redis/members/master1", zookeeper::kAnyVersion));
  });
  site.LookAfter(kServes + 15s, [&] { EXPECT_TRUE(site.MemberAt(site.self)); });
  EXPECT_EQ(site.Run(signals()), kExitStopped);
  EXPECT_TRUE(site.looked);
}

TEST_F(ServingTest, ServesOnWithoutZooKeeper) {
  WrapperSite site;
  BeginAsMaster(site);
  site.After(kServes, [&] { site.zookeeper.Stop(); });
  site.After(kServes + 20s, [&] {
    EXPECT_EQ(site.own().role, Role::kMaster);
    EXPECT_EQ(site.own().config.at("min-replicas-to-write"), "0")
        << "its replica and its Sentinel confirm it";
    site.zookeeper.Start();
  });
  site.LookAfter(kServes + 30s, [&] { EXPECT_TRUE(site.MemberAt(site.self)); });
  EXPECT_EQ(site.Run(signals()), kExitStopped);
  EXPECT_TRUE(site.looked);
}

TEST_F(ServingTest, AMasterThatIsAloneRejectsWritesUntilItIsNot) {
  WrapperSite site;
  const CapturedLog log;
  BeginAsMaster(site);
  site.After(kServes + 1s, [&] {
    site.zookeeper.Stop();
    site.fleet.sentinel(kSentinel).state = FakeFleet::State::kSilent;
    site.fleet.redis(kB).state = FakeFleet::State::kSilent;
  });
  site.After(kServes + 10s, [&] {
    EXPECT_EQ(site.own().config.at("min-replicas-to-write"), "65535");
    site.zookeeper.Start();
  });
  site.LookAfter(kServes + 20s, [&] { EXPECT_EQ(site.own().config.at("min-replicas-to-write"), "0"); });
  EXPECT_EQ(site.Run(signals()), kExitStopped);
  EXPECT_TRUE(site.looked);
  EXPECT_THAT(log.text(), HasSubstr("fence raised, rejecting writes"));
}

TEST_F(ServingTest, AMasterThatWasSucceededFollowsItsSuccessor) {
  WrapperSite site;
  const CapturedLog log;
  BeginAsMaster(site);
  site.After(kServes, [&] { FailOverTo(site, kB); });
  site.After(kServes + 100ms, [&] { EXPECT_EQ(site.own().master, kB) << "at once"; });
  site.LookAfter(kServes + 10s, [&] {
    EXPECT_EQ(site.own().role, Role::kReplica);
    EXPECT_EQ(Orders(site, "REPLICAOF 10.0.0.2 6379"), 1);
    EXPECT_GE(site.own().disconnected, 2) << "and once more, when all Sentinels know";
    EXPECT_THAT(log.text(), HasSubstr("demoted: 10.0.0.2:6379 is the recorded and acting master"));
    EXPECT_THAT(log.text(), HasSubstr("role changed from master to replica of 10.0.0.2:6379"));
  });
  EXPECT_EQ(site.Run(signals()), kExitStopped);
  EXPECT_TRUE(site.looked);
}

TEST_F(ServingTest, AMasterFollowsNobodyOnOneWordAlone) {
  struct Row {
    const char* name;
    std::function<void(WrapperSite&)> change;
  };
  for (const auto& [name, change] : std::initializer_list<Row>{
           {"the record's, and no Sentinel says so",
            [](auto& s) {
              s.fleet.Promote(kB);
              s.WriteRecord(kB, 2);
            }},
           {"the record's, and it is a replica",
            [](auto& s) {
              s.fleet.sentinel(kSentinel).groups.at(kGroup).master = kB;
              s.WriteRecord(kB, 2);
            }},
           {"the record's, and it is silent",
            [](auto& s) {
              FailOverTo(s, kB);
              s.fleet.redis(kB).state = FakeFleet::State::kSilent;
            }},
           {"the record's, and a stranger has its address",
            [](auto& s) {
              s.fleet.AddMaster(kC);
              s.fleet.sentinel(kSentinel).groups.at(kGroup).master = kC;
              s.WriteRecord(kC, 2);
            }},
           {"somebody's who knows no epochs", [](auto& s) {
              s.fleet.Promote(kB);
              s.fleet.sentinel(kSentinel).groups.at(kGroup).master = kB;
              EXPECT_TRUE(s.other_session->Set("/redis/master", "10.0.0.2 6379", zookeeper::kAnyVersion));
            }}}) {
    WrapperSite site;
    BeginAsMaster(site);
    site.After(kServes, [&site, change = change] { change(site); });
    site.LookAfter(kServes + 8s, [&] {
      EXPECT_EQ(site.own().role, Role::kMaster) << name;
      EXPECT_TRUE(site.servers.running());
    });
    site.options.handover_timeout = 0ms;
    EXPECT_EQ(site.Run(signals()), kExitStopped) << name;
    EXPECT_TRUE(site.looked) << name;
  }
}

TEST_F(ServingTest, ADemotionIsRetriedUntilItIsDone) {
  for (const bool forbidden : {false, true}) {
    AtEveryCall([&](int number, Fault fault) {
      WrapperSite site;
      const CapturedLog log;
      BeginAsMaster(site);
      site.After(kServes, [&] {
        FailOverTo(site, kB);
        if (forbidden) site.own().forbidden = {{"REPLICAOF"}, {"CLIENT", "KILL"}};
        site.network.FailCall(number, fault);
      });
      site.After(kServes + 5s, [&] {
        EXPECT_EQ(site.own().role, forbidden ? Role::kMaster : Role::kReplica);
        site.own().forbidden.clear();
      });
      int faults = 0;
      site.LookAfter(kServes + 15s, [&] {
        faults = site.network.faults();
        EXPECT_EQ(site.own().role, Role::kReplica);
        EXPECT_EQ(site.own().master, kB);
      });
      EXPECT_EQ(site.Run(signals()), kExitStopped);
      EXPECT_THAT(log.text(),
                  HasSubstr(forbidden ? "cannot replicate from the recorded master, retrying" : ""));
      return faults > 0 && number < 10;
    });
  }
}

TEST_F(ServingTest, AReplicaWhoseMasterIsGoneFollowsTheNextOne) {
  WrapperSite site;
  const CapturedLog log;
  BeginAsReplica(site);
  site.After(kServes, [&] {
    site.fleet.AddReplica(kC, kB);
    site.RegisterMember(kC);
    site.fleet.redis(kB).state = FakeFleet::State::kGone;
    site.own().link_up = false;
    FailOverTo(site, kC);
  });
  site.LookAfter(kServes + 5s, [&] {
    EXPECT_EQ(site.own().master, kC);
    EXPECT_EQ(Orders(site, "REPLICAOF 10.0.0.3 6379"), 1);
    EXPECT_THAT(log.text(), HasSubstr("the link to 10.0.0.2:6379 is down; replicating from the recorded"));
    EXPECT_THAT(log.text(), Not(HasSubstr("role changed"))) << "it is a replica still";
  });
  EXPECT_EQ(site.Run(signals()), kExitStopped);
  EXPECT_TRUE(site.looked);
}

TEST_F(ServingTest, APromotionIsTold) {
  WrapperSite site;
  const CapturedLog log;
  BeginAsReplica(site);
  site.After(kServes, [&] {
    EXPECT_THAT(Health(site), HasSubstr("not ready: replica of 10.0.0.2:6379"))
        << "the Sentinel knows it not";
    site.fleet.sentinel(kSentinel).groups.at(kGroup).replicas[site.self];
  });
  site.After(kServes + 3s, [&] {
    EXPECT_THAT(Health(site), HasSubstr("ready: replica of 10.0.0.2:6379"));
    EXPECT_THAT(Health(site), Not(HasSubstr("not ready")));
    FailOverTo(site, site.self);
  });
  site.LookAfter(kServes + 8s, [&] {
    EXPECT_THAT(log.text(), HasSubstr("role changed from replica of 10.0.0.2:6379 to master"));
    EXPECT_THAT(Health(site), HasSubstr("ready: master at"));
    EXPECT_EQ(site.other.datasets.ReadHistory(kGroup).value().replication_id, site.own().replication_id);
    EXPECT_EQ(site.own().role, Role::kMaster);
  });
  EXPECT_EQ(site.Run(signals()), kExitStopped);
  EXPECT_TRUE(site.looked);
}

TEST_F(ServingTest, OnlyACompleteCopyCanBePromoted) {
  WrapperSite site;
  BeginAsReplica(site);
  site.servers.manners.copies_for = 5s;
  site.After(4s, [&] {
    EXPECT_EQ(site.own().config.at("replica-priority"), "0");
    EXPECT_TRUE(site.MemberAt(site.self).value().incomplete);
  });
  site.After(kServes, [&] {
    EXPECT_EQ(site.own().config.at("replica-priority"), "100");
    EXPECT_FALSE(site.MemberAt(site.self).value().incomplete);
    // Its master wants to give it everything anew.
    site.own().synchronising = true;
    site.own().link_up = false;
  });
  site.After(kServes + 2s, [&] {
    EXPECT_EQ(site.own().config.at("replica-priority"), "0");
    EXPECT_TRUE(site.MemberAt(site.self).value().incomplete);
    EXPECT_THAT(Health(site), HasSubstr("this replica holds no complete copy of the data"));
    site.own().synchronising = false;
    site.own().link_up = true;
    site.own().forbidden = {{"CONFIG", "SET"}};
  });
  site.After(kServes + 4s, [&] {
    EXPECT_EQ(site.own().config.at("replica-priority"), "0") << "CONFIG SET is forbidden";
    site.own().forbidden.clear();
  });
  site.LookAfter(kServes + 6s, [&] {
    EXPECT_EQ(site.own().config.at("replica-priority"), "100");
    EXPECT_FALSE(site.MemberAt(site.self).value().incomplete);
  });
  EXPECT_EQ(site.Run(signals()), kExitStopped);
  EXPECT_TRUE(site.looked);
}

TEST_F(ServingTest, TheWordOfACopyIsKeptWhicheverAnswerIsLost) {
  for (const bool of_network : {false, true}) {
    AtEveryCall([&](int number, Fault fault) {
      WrapperSite site;
      BeginAsReplica(site);
      site.servers.manners.copies_for = 5s;
      site.After(4s, [&] {
        if (of_network) {
          site.network.FailCall(number, fault);
        } else {
          site.session->FailCall(number, fault);
        }
      });
      int faults = 0;
      site.LookAfter(kServes + 10s, [&] {
        faults = of_network ? site.network.faults() : site.session->faults();
        EXPECT_EQ(site.own().config.at("replica-priority"), "100");
        EXPECT_FALSE(site.MemberAt(site.self).value().incomplete);
      });
      EXPECT_EQ(site.Run(signals()), kExitStopped);
      return faults > 0 && number < 25;
    });
  }
}

TEST_F(ServingTest, HealthSaysWhatTheServerLacks) {
  WrapperSite site;
  BeginAsReplica(site);
  site.After(1s, [&] { site.fleet.sentinel(kSentinel).groups.at(kGroup).replicas[site.self]; });
  site.After(kServes, [&] {
    EXPECT_THAT(Health(site), HasSubstr("ready: replica of")) << "the test has its premise";
    site.own().link_up = false;
  });
  site.After(kServes + 2s, [&] {
    EXPECT_THAT(Health(site), ::testing::StartsWith("ready: ")) << "no reason to kill it";
    EXPECT_THAT(Health(site), HasSubstr("the link to the master is down"));
    site.own().refusal = "NOAUTH Authentication required.";
  });
  site.After(kServes + 4s, [&] {
    EXPECT_THAT(Health(site), ::testing::StartsWith("ready: "));
    EXPECT_THAT(Health(site), HasSubstr("refuses our credentials"));
    site.own().refusal.clear();
    site.own().state = FakeFleet::State::kSilent;
  });
  site.LookAfter(kServes + 8s, [&] {
    EXPECT_THAT(Health(site), HasSubstr("not ready: redis-server is unreachable"));
    site.own().state = FakeFleet::State::kAnswers;
  });
  EXPECT_EQ(site.Run(signals()), kExitStopped);
  EXPECT_TRUE(site.looked);
}

// The ends.

TEST_F(ServingTest, AReplicaStopsWithoutAHandover) {
  WrapperSite site;
  const CapturedLog log;
  BeginAsReplica(site);
  site.StopAfter(kServes);
  EXPECT_EQ(site.Run(signals()), kExitStopped);
  EXPECT_THAT(log.text(), HasSubstr("stopping without a handover"));
  EXPECT_EQ(site.fleet.redis(kB).role, Role::kMaster);
}

TEST_F(ServingTest, AMasterHandsOverBeforeItStops) {
  WrapperSite site;
  const CapturedLog log;
  BeginAsMaster(site);
  site.StopAfter(kServes + 2s);
  EXPECT_EQ(site.Run(signals()), kExitStopped);
  EXPECT_EQ(site.fleet.redis(kB).role, Role::kMaster) << log.text();
  EXPECT_EQ(Orders(site, "REPLICAOF 10.0.0.2 6379"), 1);
}

TEST_F(ServingTest, AMasterWithoutAReplicaStopsAllTheSame) {
  WrapperSite site;
  const CapturedLog log;
  site.StopAfter(kServes);
  EXPECT_EQ(site.Run(signals()), kExitStopped);
  EXPECT_THAT(log.text(), HasSubstr("stopping without a handover"));
}

TEST_F(ServingTest, ASecondSignalSkipsTheHandover) {
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

TEST_F(ServingTest, LaggingReplicasDoNotUseUpTheTimeOfTheSave) {
  struct Row {
    const char* configured;
    bool forbidden;
    const char* expected;
    const char* line;
  };
  for (const auto& [configured, forbidden, expected, line] :
       std::initializer_list<Row>{{"10", false, "2", "shutdown-timeout shortened from 10 s to 2 s"},
                                  {"1", false, "1", ""},
                                  {"", false, "", ""},
                                  {"10", true, "10", "cannot shorten shutdown-timeout from 10 s"}}) {
    WrapperSite site;
    const CapturedLog log;
    BeginAsMaster(site);
    site.options.handover_timeout = 0ms;
    site.After(kServes, [&site, configured = configured, forbidden = forbidden] {
      site.own().config["shutdown-timeout"] = configured;
      if (std::string(configured).empty()) site.own().config.erase("shutdown-timeout");
      if (forbidden) site.own().forbidden = {{"CONFIG", "SET"}};
    });
    site.StopAfter(kServes + 2s);
    EXPECT_EQ(site.Run(signals()), kExitStopped);
    const auto& config = site.own().config;
    const auto found = config.find("shutdown-timeout");
    EXPECT_EQ(found == config.end() ? "" : found->second, expected);
    EXPECT_THAT(log.text(), HasSubstr(line));
  }
}

TEST_F(ServingTest, AServerThatDoesNotStopIsKilledAndWhatItCostsIsSaid) {
  struct Row {
    const char* conf;
    const char* append_only;
    const char* line;
  };
  for (const auto& [conf, append_only, line] : std::initializer_list<Row>{
           {"", "no", "7 changes since the last snapshot may be lost"},
           {"save \"\"\n", "no", "nothing is lost on disk"},
           {"appendonly yes\n", "yes", "writes that are not in the append-only file yet may be lost"}}) {
    WrapperSite site;
    const CapturedLog log;
    WriteFile(site.options.redis_conf, "dir " + site.dir.path().string() + "\n" + conf);
    site.servers.manners.stops_in.reset();
    site.servers.manners.with = [append_only = append_only](auto& redis) {
      redis.unsaved_changes = 7;
      redis.config["appendonly"] = append_only;
    };
    site.StopAfter(kServes);
    const TimePoint begun = Clock::now();
    EXPECT_EQ(site.Run(signals()), kExitSignalBase + SIGKILL);
    EXPECT_GE(Clock::now() - begun, kServes + site.options.server.stop_timeout);
    EXPECT_THAT(log.text(), HasSubstr(line));
  }
}

TEST_F(ServingTest, ASecondInterruptKillsAServerThatStops) {
  WrapperSite site;
  site.servers.manners.stops_in.reset();
  site.options.handover_timeout = 0ms;
  site.StopAfter(kServes, SIGINT);
  site.StopAfter(kServes + 1s, SIGINT);
  const TimePoint begun = Clock::now();
  EXPECT_EQ(site.Run(signals()), kExitSignalBase + SIGKILL);
  EXPECT_LT(Clock::now() - begun, kServes + 5s);
}

TEST_F(ServingTest, AMasterWhoseServerEndedHasAReplicaPromoted) {
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

TEST_F(ServingTest, AReplicaWhoseServerEndedLeavesTheMasterAlone) {
  WrapperSite site;
  BeginAsReplica(site);
  site.After(kServes, [&] { site.servers.End(3); });
  EXPECT_EQ(site.Run(signals()), 3);
  EXPECT_THAT(site.fleet.orders, Not(Contains(EndsWith("SENTINEL FAILOVER master1"))));
}

TEST_F(ServingTest, AnAddressThatIsGoneForGoodEndsIt) {
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
}  // namespace redis_zk::testing
