// What a group keeper finds out before its Sentinel is started.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "store/sentinel_id.h"
#include "unit/group_keeper_fixture.h"

namespace redis_zk::testing::group_survey_test {
namespace {

using ::testing::ElementsAre;
using State = FakeFleet::State;

class GroupSurveyTest : public GroupKeeperTest {
 protected:
  // Three groups: ours, one that lives, and one of the dead; and another Sentinel.
  struct SurveySite : Site {
    explicit SurveySite(GroupSurveyTest& test) : Site(test) {
      AddGroup("g", test.other_master_);
      AddReplica("g", test.other_replica_, test.other_master_);
      AddGroup("dead", {"10.0.0.9", 6379});
      fleet.redis({"10.0.0.9", 6379}).state = State::kGone;
      Record("late", {"10.0.0.8", 6379}, 9);
      fleet.AddMaster({"10.0.0.8", 6379}).state = State::kGone;
      EXPECT_TRUE(other.identities.Take({.uuid = "other", .endpoint = test.peer_, .epoch = 4}));
      EXPECT_TRUE(other.sentinels.Register({"other", test.peer_}));
      EXPECT_TRUE(other.sentinels.Register({kUuid, own}));
    }
  };

  static std::vector<std::string> NamesOf(const sentinel_wrapper::Monitoring& monitoring) {
    std::vector<std::string> names;
    for (const auto& group : monitoring.groups) names.push_back(group.name);
    return names;
  }

  const Endpoint peer_{"10.0.0.7", 26379};
};

TEST_F(GroupSurveyTest, IsCompleteOrFailsWhicheverRequestToZooKeeperFails) {
  AtEveryCall([this](int number, Fault fault) {
    SurveySite site(*this);
    const auto record = *site.other.records.Read("master1", zookeeper::Watch::kNo);
    site.loop.session().FailCall(number, fault);
    auto monitoring = site.Survey("master1", record);
    const bool happened = site.loop.session().faults() > 0;
    if (happened && monitoring && monitoring->groups.size() == 1) {
      // It is begun with later.
      monitoring->groups.clear();
      return true;
    }
    if (!monitoring) {
      EXPECT_TRUE(happened);
      monitoring = site.Survey("master1", record);
    }
    EXPECT_TRUE(monitoring);
    if (!monitoring) return false;
    EXPECT_THAT(NamesOf(*monitoring), ElementsAre("g", "master1"));
    EXPECT_EQ(monitoring->groups[0].master, other_master_);
    EXPECT_EQ(monitoring->groups[0].config_epoch, 1U);
    EXPECT_THAT(monitoring->groups[0].replicas, ElementsAre(other_replica_));
    EXPECT_THAT(monitoring->peers, ElementsAre(sentinel::Peer{peer_, store::SentinelIdOf("other")}));
    EXPECT_EQ(monitoring->epoch, 9U) << "also of a group that it does not monitor yet";
    return happened;
  });
}

TEST_F(GroupSurveyTest, NamesTheNewerConfigurationOfWhatIsMonitored) {
  Site site(*this);
  site.AddGroup("g", other_master_);
  EXPECT_FALSE(site.LookFor(2s));
  auto& monitored = site.Monitored("g");
  monitored.master = other_replica_;
  monitored.config_epoch = 7;
  EXPECT_FALSE(site.LookFor(1s));
  const auto record = *site.other.records.Read("master1", zookeeper::Watch::kNo);
  auto monitoring = site.Survey("master1", record);
  ASSERT_TRUE(monitoring);
  EXPECT_EQ(monitoring->groups[0].master, other_replica_) << "its failover is not recorded yet";
  EXPECT_EQ(monitoring->groups[0].config_epoch, 7U);

  site.Remove("g");
  monitoring = site.Survey("master1", record);
  ASSERT_TRUE(monitoring);
  EXPECT_THAT(NamesOf(*monitoring), ElementsAre("g", "master1")) << "ZooKeeper has lost it, not our Sentinel";
}

TEST_F(GroupSurveyTest, LeavesOutWhatSentinelWouldEndAt) {
  Site site(*this);
  const Endpoint named{"redis-1.internal", 6379};
  site.AddGroup("f", named);
  site.AddGroup("g", other_master_);
  site.AddReplica("g", {"redis-2.internal", 6379}, other_master_);
  site.AddGroup("h", {"10.0.0.5", 6379});
  const auto monitoring = site.Survey("master1", *site.other.records.Read("master1", zookeeper::Watch::kNo));
  ASSERT_TRUE(monitoring);
  EXPECT_THAT(NamesOf(*monitoring), ElementsAre("h", "master1"));
}

TEST_F(GroupSurveyTest, LooksAtAnyNumberOfGroups) {
  Site site(*this);
  for (int i = 0; i < 120; ++i)
    site.AddGroup("many" + std::to_string(i), {"10.0.1." + std::to_string(i), 6379});
  const auto monitoring = site.Survey("master1", *site.other.records.Read("master1", zookeeper::Watch::kNo));
  ASSERT_TRUE(monitoring);
  EXPECT_EQ(monitoring->groups.size(), 121U);
}

}  // namespace
}  // namespace redis_zk::testing::group_survey_test
