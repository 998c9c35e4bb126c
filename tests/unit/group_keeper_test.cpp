#include "sentinel-wrapper/group_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>

#include "unit/group_keeper_fixture.h"

namespace redis_zk::testing::group_keeper_test {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;
using State = FakeFleet::State;
using zookeeper::kAnyVersion;
using zookeeper::Lifetime;

class NewGroupTest : public GroupKeeperTest {
 protected:
  // Monitored once, with the settings of the file and of the options.
  static void ExpectMonitored(Site& site, const Endpoint& master) {
    ASSERT_TRUE(site.Monitors("g"));
    const auto& group = site.Monitored("g");
    EXPECT_EQ(group.master, master);
    EXPECT_EQ(group.quorum, 2U);
    EXPECT_EQ(group.down_after, 1500ms);
    EXPECT_EQ(group.failover_timeout, 20s);
    EXPECT_EQ(site.Count("SENTINEL MONITOR g "), 1);
    EXPECT_THAT(site.keeper.followed(), UnorderedElementsAre("g", "master1"));
    EXPECT_TRUE(site.keeper.answered());
  }
};

TEST_F(NewGroupTest, IsMonitoredOnceWhicheverRequestToZooKeeperFails) {
  AtEveryCall([this](int number, Fault fault) {
    Site site(*this);
    site.loop.session().FailCall(number, fault);
    EXPECT_FALSE(site.LookFor(1s));
    site.AddGroup("g", other_master_);
    EXPECT_FALSE(site.LookFor(7s));
    site.loop.session().Heal();
    EXPECT_FALSE(site.LookFor(6s));
    ExpectMonitored(site, other_master_);
    return site.loop.session().faults() > 0;
  });
}

TEST_F(NewGroupTest, IsMonitoredOnceWithItsSettingsWhicheverQuestionFails) {
  AtEveryCall([this](int number, Fault fault) {
    Site site(*this);
    site.AddGroup("g", other_master_);
    site.network.FailCall(number, fault);
    EXPECT_FALSE(site.LookFor(4s));
    site.network.Heal();
    EXPECT_FALSE(site.LookFor(6s));
    ExpectMonitored(site, other_master_);
    return site.network.faults() > 0;
  });
}

TEST_F(NewGroupTest, HasItsSettingsAlsoAfterTwoFaults) {
  for (const int later : {0, 1, 2}) {
    AtEveryCall([this, later](int number, Fault fault) {
      Site site(*this);
      site.AddGroup("g", other_master_);
      site.network.FailCall(number, fault, [&] { site.network.FailCall(later, Fault::kBefore); });
      EXPECT_FALSE(site.LookFor(3s));
      site.network.Heal();
      EXPECT_FALSE(site.LookFor(6s));
      ExpectMonitored(site, other_master_);
      // After that it is monitored, and nothing is done but looking.
      return number < 12 && site.network.faults() > 0;
    });
  }
}

TEST_F(NewGroupTest, WaitsUntilItsMasterLives) {
  Site site(*this);
  site.AddGroup("g", other_master_);
  site.fleet.redis(other_master_).state = State::kGone;
  EXPECT_FALSE(site.LookFor(1min));
  EXPECT_FALSE(site.Monitors("g"));
  EXPECT_THAT(log_.text(), HasSubstr("not monitoring g yet"));
  site.fleet.redis(other_master_).state = State::kAnswers;
  EXPECT_FALSE(site.LookFor(6s)) << "it is not asked every moment, but often enough";
  ExpectMonitored(site, other_master_);
}

TEST_F(NewGroupTest, IsMonitoredAlsoWhereItsMasterRefusesOurPassword) {
  Site site(*this);
  site.AddGroup("g", other_master_);
  site.fleet.redis(other_master_).refusal = "NOAUTH Authentication required.";
  EXPECT_FALSE(site.LookFor(2s));
  EXPECT_TRUE(site.Monitors("g"));
}

TEST_F(NewGroupTest, OutsideTheTrustedNetworksIsNotMonitored) {
  const auto trust = std::make_shared<redis::Trust>(Networks::Parse("10.0.0.1,10.0.0.2,127.0.0.1").value());
  options_.common.credentials = {.redis = {{"", "secret"}, trust}, .sentinel = {{"", "secret"}, trust}};
  Site site(*this);
  site.AddReplica("master1", replica_, master_);
  site.AddReplica("master1", other_replica_, master_);
  site.AddGroup("g", other_master_);
  EXPECT_FALSE(site.LookFor(1min));
  EXPECT_FALSE(site.Monitors("g"));
  EXPECT_THAT(log_.text(), HasSubstr("not monitoring g: 10.0.0.3:6379 is outside TRUSTED_NETWORKS; add its"));
  site.fleet.redis(other_master_).state = State::kGone;
  site.AddReplica("g", Endpoint{"10.0.0.5", 6379}, other_master_);
  EXPECT_FALSE(site.LookFor(1min)) << "nor is it worth a restart";
  const auto monitoring =
      site.Survey("master1", {.state = store::Record::State::kMaster, .master = master_, .epoch = 1});
  ASSERT_TRUE(monitoring) << monitoring.error().message;
  ASSERT_EQ(monitoring->groups.size(), 1U);
  EXPECT_THAT(monitoring->groups.front().replicas, UnorderedElementsAre(replica_));
  const auto outside =
      site.Survey("master1", {.state = store::Record::State::kMaster, .master = other_master_, .epoch = 2});
  EXPECT_FALSE(outside) << "our Sentinel is not started on it";
}

TEST_F(NewGroupTest, NeedsNoRedisWrapper) {
  Site site(*this);
  site.fleet.AddMaster(other_master_);
  ASSERT_TRUE(
      site.other_session->Create("/redis/masters/g", other_master_.ToRecord(), Lifetime::kPersistent));
  EXPECT_FALSE(site.LookFor(2s));
  ExpectMonitored(site, other_master_);
}

TEST_F(NewGroupTest, IsNotMonitoredBeforeItsRecordNamesAMaster) {
  Site site(*this);
  ASSERT_TRUE(site.other.groups.Ensure("g"));
  EXPECT_FALSE(site.LookFor(2s));
  ASSERT_TRUE(site.other_session->Set("/redis/masters/g", "no endpoint", kAnyVersion));
  EXPECT_FALSE(site.LookFor(2s));
  EXPECT_FALSE(site.Monitors("g"));
  site.fleet.AddMaster(other_master_);
  ASSERT_TRUE(site.other_session->Set("/redis/masters/g", other_master_.ToRecord(), kAnyVersion));
  EXPECT_FALSE(site.LookFor(2s));
  ExpectMonitored(site, other_master_);
}

TEST_F(NewGroupTest, WithAStrangeNameIsSkippedAndTheOthersAreNot) {
  Site site(*this);
  for (const std::string name : {"two words", "star*"})
    ASSERT_TRUE(site.other_session->Create("/redis/masters/" + name, other_master_.ToRecord(),
                                           Lifetime::kPersistent));
  site.AddGroup("g", other_master_);
  EXPECT_FALSE(site.LookFor(2s));
  ExpectMonitored(site, other_master_);
  EXPECT_EQ(site.fleet.sentinel(site.own).groups.size(), 2U);
  EXPECT_THAT(log_.text(), HasSubstr("star*, two words"));
}

TEST_F(NewGroupTest, ThatSentinelRefusesKeepsNoOtherFromBeingMonitored) {
  Site site(*this);
  const Endpoint named{"redis-1.internal", 6379};
  site.AddGroup("f", named);
  site.AddGroup("g", other_master_);
  EXPECT_FALSE(site.LookFor(20s));
  EXPECT_FALSE(site.Monitors("f"));
  ExpectMonitored(site, other_master_);
  EXPECT_THAT(log_.text(), HasSubstr("cannot monitor f at redis-1.internal:6379, retrying: ERR Invalid IP"));
}

TEST_F(NewGroupTest, IsMonitoredThoughASettingIsRefused) {
  WriteConf(
      "sentinel failover-timeout master1 20000\nsentinel notification-script g /bin/false\n"
      "sentinel auth-pass g of-the-group\n");
  Site site(*this);
  site.AddGroup("g", other_master_);
  EXPECT_FALSE(site.LookFor(2s));
  ExpectMonitored(site, other_master_);
  EXPECT_EQ(site.Count("SENTINEL SET g auth-pass of-the-group"), 1);
  EXPECT_THAT(log_.text(), HasSubstr("Sentinel refused the setting notification-script"));
}

TEST_F(NewGroupTest, ComesWithManyOthers) {
  Site site(*this);
  for (int i = 0; i < 120; ++i)
    site.AddGroup("many" + std::to_string(i), {"10.0.1." + std::to_string(i), 6379});
  EXPECT_FALSE(site.LookFor(10s));
  EXPECT_EQ(site.fleet.sentinel(site.own).groups.size(), 121U);
  EXPECT_EQ(site.Count("SENTINEL MONITOR "), 120);
}

TEST_F(NewGroupTest, ThatDiesBeforeItWasMonitoredNeedsARestart) {
  Site site(*this);
  site.AddGroup("g", other_master_);
  site.AddReplica("g", other_replica_, other_master_);
  site.fleet.redis(other_master_).state = State::kGone;
  const TimePoint begun = Clock::now();
  auto restart = site.LookFor(20s);
  ASSERT_TRUE(restart);
  EXPECT_GE(Clock::now() - begun, 5s) << "its master has time to come";
  EXPECT_EQ(restart->group, "g");
  EXPECT_EQ(restart->record.master, other_master_);
  EXPECT_FALSE(site.Monitors("g"));

  const auto monitoring = site.Survey(restart->group, restart->record);
  ASSERT_TRUE(monitoring) << monitoring.error().message;
  ASSERT_EQ(monitoring->groups.size(), 2U);
  EXPECT_EQ(monitoring->groups[0].name, "g");
  EXPECT_EQ(monitoring->groups[0].replicas, std::vector{other_replica_}) << "so that it can be promoted";
}

TEST_F(NewGroupTest, IsNoReasonForARestart) {
  struct Row {
    const char* name;
    std::function<void(Site&)> change;
  };
  for (const auto& [name, change] : std::initializer_list<Row>{
           {"while another group fails over",
            [](Site& site) { site.Monitored("master1").failing_over = true; }},
           {"with a replica that has a name",
            [](Site& site) {
              site.Register("g", {"redis-2.internal", 6379});
            }},
           {"with a member that does not serve yet",
            [this](Site& site) { site.Register("g", other_replica_, /*serving=*/false); }},
           {"with a replica that is gone",
            [this](Site& site) { site.fleet.redis(other_replica_).state = State::kGone; }},
           {"once its master answers",
            [this](Site& site) {
              EXPECT_FALSE(site.LookFor(3s));
              site.fleet.redis(other_master_).state = State::kAnswers;
            }},
           {"without ZooKeeper", [](Site& site) { site.zookeeper.Disconnect(site.loop.session().id()); }},
       }) {
    SCOPED_TRACE(name);
    Site site(*this);
    site.AddGroup("g", other_master_);
    site.AddReplica("g", other_replica_, other_master_);
    site.fleet.redis(other_master_).state = State::kGone;
    change(site);
    EXPECT_FALSE(site.LookFor(20s));
  }
}

class GoneGroupTest : public GroupKeeperTest {
 protected:
  // Two groups are monitored, and the znode of one is gone.
  struct GoneSite : Site {
    explicit GoneSite(GoneGroupTest& test) : Site(test) {
      AddGroup("g", test.other_master_);
      fleet.AddReplica(test.other_replica_, test.other_master_);
      EXPECT_FALSE(LookFor(2s));
      EXPECT_TRUE(Monitors("g"));
      Remove("g");
      EXPECT_FALSE(LookFor(400ms));
    }
  };
};

TEST_F(GoneGroupTest, IsDroppedOnceWhenNobodyLivesWhicheverRequestToZooKeeperFails) {
  AtEveryCall([this](int number, Fault fault) {
    GoneSite site(*this);
    site.Die("g", other_master_);
    site.Monitored("g").replicas.at(other_replica_).down = true;
    site.loop.session().FailCall(number, fault);
    EXPECT_FALSE(site.LookFor(6s));
    site.loop.session().Heal();
    EXPECT_FALSE(site.LookFor(6s));
    EXPECT_FALSE(site.Monitors("g"));
    EXPECT_TRUE(site.Monitors("master1"));
    EXPECT_EQ(site.Count("SENTINEL REMOVE g"), 1);
    EXPECT_THAT(site.keeper.followed(), UnorderedElementsAre("master1"));
    return site.loop.session().faults() > 0;
  });
}

TEST_F(GoneGroupTest, IsDroppedOnceWhenNobodyLivesWhicheverQuestionFails) {
  AtEveryCall([this](int number, Fault fault) {
    GoneSite site(*this);
    site.Die("g", other_master_);
    site.Monitored("g").replicas.at(other_replica_).down = true;
    site.network.FailCall(number, fault);
    EXPECT_FALSE(site.LookFor(4s));
    site.network.Heal();
    EXPECT_FALSE(site.LookFor(2s));
    EXPECT_FALSE(site.Monitors("g"));
    EXPECT_TRUE(site.Monitors("master1"));
    EXPECT_EQ(site.Count("SENTINEL REMOVE g"), 1);
    EXPECT_THAT(site.keeper.followed(), UnorderedElementsAre("master1"));
    return site.network.faults() > 0;
  });
}

TEST_F(GoneGroupTest, IsKeptWhileSomebodyLives) {
  struct Row {
    const char* name;
    std::function<void(GoneSite&)> change;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"its master", [](GoneSite&) {}},
           {"its replica", [this](GoneSite& site) { site.Die("g", other_master_); }},
           {"a failover runs",
            [this](GoneSite& site) {
              site.Die("g", other_master_);
              site.Monitored("g").replicas.at(other_replica_).down = true;
              site.Monitored("g").failing_over = true;
            }},
           {"ZooKeeper does not answer, and may know it again",
            [this](GoneSite& site) {
              site.Die("g", other_master_);
              site.Monitored("g").replicas.at(other_replica_).down = true;
              EXPECT_TRUE(site.loop.session().connected());
              site.zookeeper.Disconnect(site.loop.session().id());
            }},
           {"ZooKeeper knows it again",
            [this](GoneSite& site) {
              site.Die("g", other_master_);
              site.Monitored("g").replicas.at(other_replica_).down = true;
              site.Record("g", other_master_);
            }},
       }) {
    SCOPED_TRACE(row.name);
    AtEveryCall([this, &row](int number, Fault fault) {
      GoneSite site(*this);
      row.change(site);
      site.network.FailCall(number, fault);
      EXPECT_FALSE(site.LookFor(6s));
      EXPECT_TRUE(site.Monitors("g"));
      EXPECT_EQ(site.Count("SENTINEL REMOVE "), 0);
      // The later ones are the same again.
      return number < 12 && site.network.faults() > 0;
    });
  }
}

TEST_F(GoneGroupTest, IsNotFollowedWhenSomebodyElseRemovedIt) {
  GoneSite site(*this);
  EXPECT_THAT(site.keeper.followed(), UnorderedElementsAre("g", "master1"));
  site.fleet.sentinel(site.own).groups.erase("g");
  EXPECT_FALSE(site.LookFor(1s));
  EXPECT_THAT(site.keeper.followed(), UnorderedElementsAre("master1"));
}

TEST_F(GoneGroupTest, ThatIsOursIsNeverDropped) {
  Site site(*this);
  EXPECT_FALSE(site.LookFor(1s));
  ASSERT_TRUE(site.other_session->Delete("/redis/masters/master1", kAnyVersion));
  site.Die("master1", master_);
  EXPECT_FALSE(site.LookFor(10s));
  EXPECT_TRUE(site.Monitors("master1"));
}

// The master is dead, and a replica was promoted without Sentinel.
class RecoveredGroupTest : public GroupKeeperTest {
 protected:
  struct RecoveredSite : Site {
    explicit RecoveredSite(RecoveredGroupTest& test, bool alone = false) : Site(test) {
      if (!alone) fleet.AddSentinel(peer, "master1", test.master_);
      AddReplica("master1", test.replica_, test.master_);
      EXPECT_FALSE(LookFor(1s));
      Die("master1", test.master_);
      EXPECT_FALSE(LookFor(400ms));
    }
    void Recover(const Endpoint& master) {
      fleet.Promote(master);
      const auto record = other.records.Read("master1", zookeeper::Watch::kNo);
      EXPECT_TRUE(other.records.Write(
          "master1", *record,
          {.master = master, .epoch = 5, .reason = "in a test", .origin = store::Origin::kUnelected}, ""));
    }
    bool follows(const Endpoint& master) {
      const auto& group = Monitored("master1");
      return group.master == master && group.config_epoch == 5 && group.peers.size() == 1;
    }
    const Endpoint peer{"10.0.0.9", 26379};
  };
};

TEST_F(RecoveredGroupTest, IsFollowedAtOnceWithoutARestartWhicheverRequestToZooKeeperFails) {
  AtEveryCall([this](int number, Fault fault) {
    RecoveredSite site(*this);
    site.loop.session().FailCall(number, fault);
    site.Recover(replica_);
    EXPECT_FALSE(site.LookFor(1s));
    site.loop.session().Heal();
    EXPECT_FALSE(site.LookFor(6s));
    EXPECT_TRUE(site.follows(replica_));
    return site.loop.session().faults() > 0;
  });
}

TEST_F(RecoveredGroupTest, IsFollowedWithoutARestartWhicheverQuestionFails) {
  AtEveryCall([this](int number, Fault fault) {
    RecoveredSite site(*this);
    site.Recover(replica_);
    site.network.FailCall(number, fault);
    EXPECT_FALSE(site.LookFor(2s));
    site.network.Heal();
    EXPECT_FALSE(site.LookFor(1s));
    EXPECT_TRUE(site.follows(replica_));
    EXPECT_LE(site.Count("PUBLISH"), 2);
    return site.network.faults() > 0;
  });
}

TEST_F(RecoveredGroupTest, IsFollowedInTheMiddleOfAFailoverThatHasChosenNobody) {
  RecoveredSite site(*this);
  site.Monitored("master1").failing_over = true;
  site.Monitored("master1").replicas.at(replica_).promoted = true;
  site.Recover(replica_);
  EXPECT_FALSE(site.LookFor(2s));
  EXPECT_EQ(site.Count("PUBLISH"), 0) << "it has chosen: a second master would come of it";
  site.Monitored("master1").replicas.at(replica_).promoted = false;
  EXPECT_FALSE(site.LookFor(400ms));
  EXPECT_TRUE(site.follows(replica_));
}

TEST_F(RecoveredGroupTest, TakesARestartWhereSentinelCannotBeTold) {
  struct Row {
    const char* name;
    bool alone;
    std::function<void(RecoveredSite&)> change;
    const char* reason;
  };
  for (const auto& [name, alone, change, reason] : std::initializer_list<Row>{
           {"a lone Sentinel", true, [](auto&) {}, "no other Sentinel in whose name"},
           {"its user may not publish", false,
            [](auto& site) { site.fleet.forbidden = {site.own.ToAddress() + " PUBLISH"}; }, "NOPERM"}}) {
    RecoveredSite site(*this, alone);
    change(site);
    site.Recover(replica_);
    const auto restart = site.LookFor(2s);
    ASSERT_TRUE(restart) << name;
    EXPECT_EQ(restart->record.master, replica_) << name;
    EXPECT_THAT(restart->reason, HasSubstr(reason)) << name;
  }
}

TEST_F(RecoveredGroupTest, OfAHostNameTakesARestart) {
  const Endpoint named{"redis-2", 6379};
  RecoveredSite site(*this);
  site.AddReplica("master1", named, master_);
  site.fleet.redis(named).state = State::kAnswers;
  site.Recover(named);
  const auto restart = site.LookFor(2s);
  ASSERT_TRUE(restart);
  EXPECT_EQ(site.Count("PUBLISH"), 0) << "Sentinel would take the epoch without the name";
}

class ChangingPasswordsTest : public GroupKeeperTest {
 protected:
  ChangingPasswordsTest() {
    options_.common.credentials.redis.Set({"", "new", "old"});
    options_.common.credentials.sentinel.Set({"", "new", "old"});
  }
  static void ExpectTold(Site& site, const std::string& password, int times) {
    EXPECT_EQ(site.Count("SENTINEL SET master1 auth-pass " + password), times) << password;
    EXPECT_EQ(site.Count("SENTINEL CONFIG SET sentinel-pass " + password), times) << password;
  }
};

TEST_F(ChangingPasswordsTest, OurSentinelGivesTheOneThatIsAcceptedEverywhere) {
  Site site(*this);
  site.fleet.accepted_password = "old";
  EXPECT_FALSE(site.LookFor(4s));
  ExpectTold(site, "old", 1);
  ExpectTold(site, "new", 0);
  site.fleet.accepted_password = "new";
  EXPECT_FALSE(site.LookFor(4s));
  ExpectTold(site, "new", 1);
  // A node returns that has slept through it.
  site.fleet.accepted_password = "old";
  EXPECT_FALSE(site.LookFor(4s));
  ExpectTold(site, "old", 2);
}

TEST_F(ChangingPasswordsTest, IsToldAgainWhicheverQuestionFails) {
  AtEveryCall([this](int number, Fault fault) {
    Site site(*this);
    site.fleet.accepted_password = "old";
    EXPECT_FALSE(site.LookFor(1s));
    site.fleet.accepted_password = "new";
    site.network.FailCall(number, fault);
    EXPECT_FALSE(site.LookFor(4s));
    site.network.Heal();
    EXPECT_FALSE(site.LookFor(4s));
    EXPECT_GE(site.Count("SENTINEL SET master1 auth-pass new"), 1);
    EXPECT_GE(site.Count("SENTINEL CONFIG SET sentinel-pass new"), 1);
    return number < 40 && site.network.faults() > 0;
  });
}

TEST_F(ChangingPasswordsTest, AStartGivesTheOneThatIsAcceptedEverywhere) {
  Site site(*this);
  site.fleet.accepted_password = "old";
  const auto monitoring = site.Survey("master1", *site.other.records.Read("master1", zookeeper::Watch::kNo));
  ASSERT_TRUE(monitoring);
  EXPECT_EQ(monitoring->sentinel_pass, "old");
  EXPECT_EQ(monitoring->groups.front().auth_pass, "old");
  site.keeper.Reset(*monitoring);
  EXPECT_FALSE(site.LookFor(3s));
  ExpectTold(site, "old", 0);
}

// The files have changed since it was launched.
sentinel_wrapper::Monitoring Earlier(const Endpoint& master) {
  return {.sentinel_id = {}, .groups = {{"master1", master, 1, {}}}, .peers = {}, .passwords = -1};
}

TEST_F(ChangingPasswordsTest, TheNewOneAloneIsToldWithoutZooKeeper) {
  for (const char* old_password : {"", "old"}) {
    options_.common.credentials.redis.Set({"", "new", old_password});
    options_.common.credentials.sentinel.Set({"", "new", old_password});
    Site site(*this);
    site.fleet.accepted_password = "new";
    site.zookeeper.Stop();
    site.loop->Pump(Clock::now() + 100ms);
    ASSERT_FALSE(site.loop->session().connected());
    site.keeper.Reset(Earlier(master_));
    EXPECT_FALSE(site.LookFor(3s));
    const bool is_over = *old_password == '\0';
    ExpectTold(site, "new", is_over ? 1 : 0);
    EXPECT_EQ(log_.text().find("ZooKeeper is away, which lists") != std::string::npos, !is_over)
        << log_.text();
  }
}

TEST_F(ChangingPasswordsTest, OurSentinelIsToldWhatItAcceptsUntilItHasTakenIt) {
  options_.common.credentials.redis.Set({"", "new"});
  options_.common.credentials.sentinel.Set({"", "new"});
  Site site(*this);
  site.fleet.accepted_password = "new";
  site.fleet.forbidden = {site.own.ToAddress() + " ACL"};
  site.keeper.Reset(Earlier(master_));
  EXPECT_FALSE(site.LookFor(3s));
  EXPECT_THAT(log_.text(), HasSubstr("it refuses ACL SETUSER"));
  site.fleet.forbidden.clear();
  EXPECT_FALSE(site.LookFor(3s));
  EXPECT_EQ(site.Count("ACL SETUSER default resetpass >new"), 1);
}

TEST_F(ChangingPasswordsTest, OneThatWasLaunchedWithOnePasswordIsToldBoth) {
  for (const bool takes_users : {true, false}) {
    Site site(*this);
    site.keeper.Reset({.sentinel_id = {}, .groups = {{"master1", master_, 1, {}}}, .peers = {}}, takes_users);
    EXPECT_FALSE(site.LookFor(3s));
    EXPECT_EQ(site.Count("ACL SETUSER default resetpass >new >old"), takes_users ? 0 : 1);
  }
}

TEST_F(ChangingPasswordsTest, OneThatAcceptsOnlyWhatIsNoLongerInTheFileIsTold) {
  options_.common.credentials.sentinel.Set({"", "new"});
  Site site(*this);
  site.keeper.Reset(Earlier(master_));
  site.fleet.refuses_logins = site.own;
  EXPECT_FALSE(site.LookFor(3s));
  EXPECT_EQ(site.Count("ACL SETUSER default resetpass >new"), 1);
}

TEST_F(ChangingPasswordsTest, SilentServersLeaveTimeForOtherThings) {
  Site site(*this);
  site.fleet.accepted_password = "old";
  site.fleet.finds_in = 500ms;
  EXPECT_FALSE(site.LookFor(20s));
  // Two questions each turn, which take a second of two.
  EXPECT_LE(site.fleet.searches, 21);
}

TEST_F(ChangingPasswordsTest, AGroupThatIsMonitoredAnewIsToldAgain) {
  Site site(*this);
  site.fleet.accepted_password = "new";
  site.AddGroup("g", other_master_);
  EXPECT_FALSE(site.LookFor(4s));
  site.fleet.sentinel(site.own).groups.erase("g");
  site.fleet.accepted_password = "old";
  EXPECT_FALSE(site.LookFor(200ms));
  ASSERT_TRUE(site.Monitors("g"));
  site.fleet.accepted_password = "new";
  const auto before = site.Count("SENTINEL SET g auth-pass new");
  EXPECT_FALSE(site.LookFor(4s));
  EXPECT_EQ(site.Count("SENTINEL SET g auth-pass new"), before + 1);
}

}  // namespace
}  // namespace redis_zk::testing::group_keeper_test
