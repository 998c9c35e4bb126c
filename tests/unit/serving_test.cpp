// A redis-server that serves.
#include <gmock/gmock.h>

#include <initializer_list>
#include <string>

#include "base/exit_code.h"
#include "sentinel/client.h"
#include "support/reports.h"
#include "unit/log_fixture.h"
#include "unit/serving_fixture.h"

namespace redis_zk::testing::serving_test {
namespace {

using redis::Role;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(ServingTest, RegistersAnewInEachSession) {
  WrapperSite site;
  // Between two of the registrations that are renewed every ten seconds.
  site.After(kServes + 3s, [&] {
    site.zookeeper.Expire(site.session->id());
    EXPECT_FALSE(site.MemberAt(site.self)) << "the test has its premise";
  });
  site.LookAfter(kServes + 5s, [&] {
    ASSERT_TRUE(site.MemberAt(site.self));
    EXPECT_TRUE(site.MemberAt(site.self)->serving);
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
    const auto members = zookeeper.Children("/redis/members/master1", zookeeper::Watch::kNo);
    ASSERT_TRUE(members);
    for (const auto& member : *members)
      EXPECT_TRUE(zookeeper.Delete("/redis/members/master1/" + member, zookeeper::kAnyVersion));
    EXPECT_TRUE(zookeeper.Delete("/redis/members/master1", zookeeper::kAnyVersion));
    EXPECT_TRUE(zookeeper.Delete("/redis/master", zookeeper::kAnyVersion));
  });
  site.LookAfter(kServes + 15s, [&] {
    EXPECT_TRUE(site.MemberAt(site.self));
    EXPECT_TRUE(site.other.records.Read(kGroup, zookeeper::Watch::kNo));
    EXPECT_EQ(site.own().role, Role::kMaster);
    EXPECT_TRUE(site.servers.running());
  });
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
  site.LookAfter(kServes + 20s, [&] {
    EXPECT_EQ(site.own().config.at("min-replicas-to-write"), "0");
    const auto reports = Reports(site.other);
    ASSERT_EQ(reports.size(), 1U);
    EXPECT_FALSE(reports[0].fenced);
    EXPECT_EQ(reports[0].error->event, "fence-raised") << "what happened while nothing could be told";
  });
  EXPECT_EQ(site.Run(signals()), kExitStopped);
  EXPECT_TRUE(site.looked);
  EXPECT_THAT(log.text(), HasSubstr("fence raised, rejecting writes"));
}

TEST_F(ServingTest, AMasterThatCannotRegisterIsNotConfirmedByZooKeeper) {
  WrapperSite site;
  const CapturedLog log;
  BeginAsMaster(site);
  site.After(kServes + 1s, [&] {
    // A quota, or an ACL: it reads the record, which still names it, and others may recover without its word.
    site.session->FailEvery(FailingSession::Call::kCreate, Fault::kBefore);
    site.zookeeper.Expire(site.session->id());
    site.fleet.sentinel(kSentinel).state = FakeFleet::State::kSilent;
    site.fleet.redis(kB).state = FakeFleet::State::kSilent;
  });
  site.After(kServes + 15s, [&] {
    EXPECT_FALSE(site.MemberAt(site.self)) << "the test has its premise";
    EXPECT_EQ(site.own().config.at("min-replicas-to-write"), "65535");
    site.session->Heal();
  });
  site.LookAfter(kServes + 20s, [&] {
    EXPECT_TRUE(site.MemberAt(site.self)) << "tried again at once, not when its time comes";
    EXPECT_EQ(site.own().config.at("min-replicas-to-write"), "0");
  });
  EXPECT_EQ(site.Run(signals()), kExitStopped);
  EXPECT_TRUE(site.looked);
}

TEST_F(ServingTest, AMemberOfAnotherZooKeeperUserBlindsNoMaster) {
  WrapperSite site;
  const CapturedLog log;
  BeginAsMaster(site);
  site.After(kServes + 1s, [&] {
    site.RegisterMember(kC);
    EXPECT_TRUE(site.zookeeper.SetAcl(
        "/redis/members/master1/of-" + kC.host,
        AclFor(zookeeper::Security{.credentials = {"another", "x"}, .acl = zookeeper::AclPolicy::kPrivate})));
    site.zookeeper.Expire(site.session->id());
    // So that nobody but ZooKeeper confirms it.
    site.fleet.sentinel(kSentinel).state = FakeFleet::State::kSilent;
    site.fleet.redis(kB).state = FakeFleet::State::kSilent;
  });
  site.LookAfter(kServes + 20s, [&] {
    const auto members =
        site.other_session->Children("/redis/members/master1", zookeeper::Watch::kNo).value();
    EXPECT_EQ(members.size(), 3U) << "it has registered again";
    EXPECT_EQ(site.own().config.at("min-replicas-to-write"), "0");
  });
  EXPECT_EQ(site.Run(signals()), kExitStopped);
  EXPECT_TRUE(site.looked);
  EXPECT_THAT(log.text(), HasSubstr("of-" + kC.host));
}

TEST_F(ServingTest, AServerThatHangsDoesNotServe) {
  WrapperSite site;
  const CapturedLog log;
  BeginAsMaster(site);
  site.options.recovery_patience = 10s;
  site.After(kServes + 2s, [&] { site.own().state = FakeFleet::State::kSilent; });
  site.After(kServes + 8s,
             [&] { EXPECT_TRUE(site.MemberAt(site.self)->serving) << "it may be a slow moment"; });
  site.After(kServes + 20s, [&] {
    ASSERT_TRUE(site.MemberAt(site.self));
    EXPECT_FALSE(site.MemberAt(site.self)->serving);
    ASSERT_TRUE(site.MemberAt(site.self)->hanging) << "nobody begins empty while it may hold the data";
    EXPECT_EQ(site.MemberAt(site.self)->hanging->replication_id, site.own().replication_id);
    EXPECT_FALSE(site.MemberAt(site.self)->hanging->empty());
    site.own().state = FakeFleet::State::kAnswers;
  });
  site.LookAfter(kServes + 25s, [&] {
    EXPECT_TRUE(site.MemberAt(site.self)->serving);
    EXPECT_FALSE(site.MemberAt(site.self)->hanging);
  });
  EXPECT_EQ(site.Run(signals()), kExitStopped);
  EXPECT_TRUE(site.looked);
  EXPECT_THAT(log.text(), HasSubstr("redis-server has not answered for"));
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

// On the smaller side of a cut a requested failover needs no votes. A Sentinel that saw it makes the recorded
// master a replica of this one eight seconds after the cut.
TEST_F(ServingTest, AMasterThatTheGroupPassedOverFollowsTheRecordedOne) {
  struct Row {
    const char* name;
    std::function<void(WrapperSite&)> besides;
    bool follows;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"the group has gone on", [](auto&) {}, true},
           {"a failover has yet to be told",
            [](auto& s) { s.fleet.sentinel(kSentinel).groups.at(kGroup).failing_over = true; }, false},
           {"most Sentinels name it",
            [](auto& s) { s.fleet.sentinel(kSentinel).groups.at(kGroup).master = s.self; }, false},
           {"the recorded one is silent",
            [](auto& s) { s.fleet.redis(kB).state = FakeFleet::State::kSilent; }, false}}) {
    WrapperSite site;
    const CapturedLog log;
    BeginAsReplica(site);
    site.options.recovery_patience = 0ms;
    site.After(kServes, [&] {
      site.own().role = Role::kMaster;
      site.own().master = {};
      row.besides(site);
    });
    site.After(kServes + 2s, [&] { EXPECT_EQ(site.own().role, Role::kMaster) << row.name << ": too soon"; });
    site.LookAfter(kServes + 7s, [&] {
      EXPECT_EQ(site.own().role, row.follows ? Role::kReplica : Role::kMaster) << row.name;
      EXPECT_EQ(Orders(site, "REPLICAOF 10.0.0.2 6379"), row.follows ? 1 : 0) << row.name;
    });
    EXPECT_EQ(site.Run(signals()), kExitStopped) << row.name;
    EXPECT_TRUE(site.looked) << row.name;
  }
}

TEST_F(ServingTest, AMasterFollowsNobodyOnOneWordAlone) {
  struct Row {
    const char* name;
    std::function<void(WrapperSite&)> change;
  };
  for (const Row& row : std::initializer_list<Row>{
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
    site.After(kServes, [&site, &row] { row.change(site); });
    site.LookAfter(kServes + 8s, [&] {
      EXPECT_EQ(site.own().role, Role::kMaster) << row.name;
      EXPECT_TRUE(site.servers.running());
    });
    site.options.handover_timeout = 0ms;
    EXPECT_EQ(site.Run(signals()), kExitStopped) << row.name;
    EXPECT_TRUE(site.looked) << row.name;
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

TEST_F(ServingTest, AReplicaWhoseMasterIsAReplicaNowFollowsTheNextOne) {
  WrapperSite site;
  const CapturedLog log;
  BeginAsReplica(site);
  site.After(kServes, [&] {
    site.fleet.AddReplica(kC, kB);
    site.RegisterMember(kC);
    // The Sentinel that led the failover was interrupted before it came to this one.
    FailOverTo(site, kC);
    site.fleet.redis(kB).role = Role::kReplica;
    site.fleet.redis(kB).master = kC;
  });
  site.LookAfter(kServes + 5s, [&] {
    EXPECT_EQ(site.own().master, kC);
    EXPECT_EQ(Orders(site, "REPLICAOF 10.0.0.3 6379"), 1);
    EXPECT_THAT(log.text(), HasSubstr("10.0.0.2:6379 is a replica now; replicating from the recorded"));
  });
  EXPECT_EQ(site.Run(signals()), kExitStopped);
  EXPECT_TRUE(site.looked);
}

TEST_F(ServingTest, APromotionIsTold) {
  WrapperSite site;
  const CapturedLog log;
  BeginAsReplica(site);
  auto& known = site.fleet.sentinel(kSentinel).groups.at(kGroup).replicas;
  site.servers.manners.with = [&](auto&) { known.erase(site.self); };
  site.After(kServes, [&] {
    EXPECT_THAT(Health(site), HasSubstr("not ready: replica of 10.0.0.2:6379"));
    EXPECT_THAT(Health(site), HasSubstr("does not list this replica yet"));
    known[site.self];
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

// Its Sentinel has promoted this replica, and has not seen that yet.
TEST_F(ServingTest, APromotionIsRecordedBeforeItsSentinelKnows) {
  struct Row {
    const char* name;
    std::function<void(WrapperSite&)> change;
    bool recorded;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"as it is", [](auto&) {}, true},
           {"another one is promoted",
            [](auto& site) {
              site.fleet.AddReplica(kC, kB).state = FakeFleet::State::kAnswers;
              auto& known = site.fleet.sentinel(kSentinel).groups.at(kGroup).replicas;
              known.clear();
              known[kC];
            },
            false},
           {"it has voted for another since then",
            [](auto& site) {
              site.After(200ms, [&] { site.fleet.sentinel(kSentinel).groups.at(kGroup).leader = "another"; });
            },
            false},
           {"it is a stranger at the address of ours",
            [](auto& site) { site.fleet.sentinel(kSentinel).id = std::string(40, 'f'); }, false},
           {"the record knows a newer configuration", [](auto& site) { site.WriteRecord(kB, 9); }, false}}) {
    WrapperSite site;
    BeginAsReplica(site);
    site.After(kServes, [&] {
      auto& sentinel = site.fleet.sentinel(kSentinel);
      sentinel.sees_after = 1min;
      sentinel.ends_after = 2min;
      sentinel.groups.at(kGroup).master_down = true;
      sentinel.groups.at(kGroup).config_epoch = site.Record().epoch;
      site.fleet.redis(kB).state = FakeFleet::State::kGone;
      site.own().link_up = false;
      row.change(site);
      const auto asked =
          sentinel::Client(site.network.network().sentinels, kSentinel).RequestFailover(kGroup);
      ASSERT_TRUE(asked) << row.name << ": " << asked.error().message;
    });
    site.LookAfter(kServes + 3s, [&] {
      const auto record = site.Record();
      EXPECT_EQ(record.master == site.self, row.recorded) << row.name;
      EXPECT_EQ(record.origin, row.recorded ? store::Origin::kPromoted : store::Origin::kNamed) << row.name;
      EXPECT_TRUE(!row.recorded || record.epoch == 2) << row.name << ": that of the election";
    });
    EXPECT_EQ(site.Run(signals()), kExitStopped) << row.name;
    EXPECT_TRUE(site.looked) << row.name;
  }
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

TEST_F(ServingTest, WhatKeepsItFromItsWorkIsToldToTheWatchers) {
  struct Row {
    const char* wait;
    void (*spoil)(WrapperSite&);
    bool needs_person;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"link",
            [](WrapperSite& site) {
              site.fleet.redis(kB).state = FakeFleet::State::kGone;
              site.own().link_up = false;
            },
            false},
           {"credentials", [](WrapperSite& site) { site.own().refusal = "NOAUTH Authentication required."; },
            true},
           {"server-silent", [](WrapperSite& site) { site.own().state = FakeFleet::State::kSilent; },
            false}}) {
    SCOPED_TRACE(row.wait);
    WrapperSite site;
    BeginAsReplica(site);
    site.After(kServes, [&site, &row] {
      EXPECT_TRUE(ReportedWaits(site.other).empty());
      row.spoil(site);
    });
    std::vector<store::Wait> waits;
    site.LookAfter(kServes + 40s, [&] { waits = ReportedWaits(site.other); });
    site.Run(signals());
    ASSERT_EQ(waits.size(), 1U);
    EXPECT_EQ(waits[0].name, row.wait);
    EXPECT_EQ(waits[0].needs_person, row.needs_person);
  }
}

TEST_F(ServingTest, HowItIsIsToldToTheWatchers) {
  WrapperSite site;
  BeginAsMaster(site);
  site.After(kServes + 20s, [&] {
    const auto reports = Reports(site.other);
    ASSERT_EQ(reports.size(), 1U);
    EXPECT_EQ(reports[0].role, "master");
    EXPECT_FALSE(reports[0].fenced);
    EXPECT_EQ(reports[0].process.version, REDIS_ZK_VERSION);
    EXPECT_EQ(reports[0].zookeeper.sessions, 1);
    site.zookeeper.Expire(site.session->id());
  });
  site.LookAfter(kServes + 40s, [&] {
    const auto reports = Reports(site.other);
    ASSERT_EQ(reports.size(), 1U);
    EXPECT_EQ(reports[0].zookeeper.sessions, 2);
  });
  EXPECT_EQ(site.Run(signals()), kExitStopped);
  EXPECT_TRUE(site.looked);
}

TEST_F(ServingTest, HealthSaysWhatTheServerLacks) {
  WrapperSite site;
  BeginAsReplica(site);
  site.After(1s, [&] { site.fleet.sentinel(kSentinel).groups.at(kGroup).replicas[site.self]; });
  site.After(kServes, [&] {
    EXPECT_THAT(Health(site), HasSubstr("ready: replica of")) << "the test has its premise";
    site.fleet.redis(kB).state = FakeFleet::State::kGone;
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

}  // namespace
}  // namespace redis_zk::testing::serving_test
