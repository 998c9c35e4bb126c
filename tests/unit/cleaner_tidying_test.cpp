// What the cleaner removes from ZooKeeper, and what it makes there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "unit/cleaner_fixture.h"
#include "unit/log_fixture.h"
#include "watcher/cleaner.h"

namespace redis_zk::testing::cleaner_tidying_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using zookeeper::Lifetime;
using zookeeper::Watch;
using Call = FailingSession::Call;

TEST(CleanerTidyingTest, GroupsTakeTurns) {
  CleanerSite site;
  site.AddGoneSentinel();
  site.group_names = {"another", kGroup, "third"};
  for (const std::string group : {"another", "third"}) ASSERT_TRUE(site.other.groups.Ensure(group));
  EXPECT_TRUE(site.TurnUntil([&] { return !site.IsHaunted(); }, 200s));
}

TEST(CleanerTidyingTest, MakesWhatAGroupOfTheOriginalsLacks) {
  CleanerSite site;
  site.group_names.push_back("older");
  ASSERT_TRUE(site.other_session->Create("/redis/masters/older", kC.ToRecord(), Lifetime::kPersistent));
  site.TurnFor(20s);
  EXPECT_TRUE(site.other_session->Exists("/redis/members/older", Watch::kNo).value());
  // One that was deleted a moment ago is not made again.
  site.group_names.push_back("deleted");
  site.TurnFor(20s);
  EXPECT_FALSE(site.other_session->Exists("/redis/members/deleted", Watch::kNo).value());
}

TEST(CleanerTidyingTest, MakesTheLocksPlaceWhereItIsMissing) {
  CleanerSite site;
  ASSERT_TRUE(site.other_session->Delete("/redis/cleanup", zookeeper::kAnyVersion));
  site.TurnFor(20s);
  EXPECT_TRUE(site.HoldsLock());
}

TEST(CleanerTidyingTest, FailuresToMakeWhatIsMissingAreTriedAgain) {
  const CapturedLog log("debug");
  CleanerSite site;
  site.group_names.push_back("older");
  ASSERT_TRUE(site.other_session->Create("/redis/masters/older", kC.ToRecord(), Lifetime::kPersistent));
  ASSERT_TRUE(site.other_session->Delete("/redis/cleanup", zookeeper::kAnyVersion));
  site.session.FailEvery(Call::kCreate, Fault::kBefore);
  site.TurnFor(20s);
  site.session.Heal();
  // The lock is held; the other group's turn comes.
  site.TurnFor(3s);
  site.session.FailEvery(Call::kCreate, Fault::kBefore);
  site.TurnFor(20s);
  EXPECT_THAT(log.text(), HasSubstr("clean-up step failed: "));
  site.session.Heal();
  site.TurnFor(20s);
  EXPECT_TRUE(site.HoldsLock());
  EXPECT_TRUE(site.other_session->Exists("/redis/members/older", Watch::kNo).value());
}

TEST(CleanerTidyingTest, RemovesAnIdentityThatIsFreeAndUnknownWhicheverCallFails) {
  AtEveryCall([](int number, Fault fault) {
    CleanerSite site;
    EXPECT_TRUE(site.other.identities.Take({.uuid = "used", .endpoint = SentinelAt(1)}));
    EXPECT_TRUE(site.other.identities.Take({.uuid = "free", .endpoint = SentinelAt(kGoneSentinel)}));
    EXPECT_TRUE(site.other_session->Delete("/redis/identities/free/taken", zookeeper::kAnyVersion));
    site.TurnFor(10s);
    EXPECT_THAT(site.other.identities.List().value(), SizeIs(2)) << "it may be taken again";
    site.session.FailCall(number, fault);
    site.TurnFor(6s);
    const bool happened = site.session.faults() > 0;
    site.session.Heal();
    site.TurnFor(30s);
    const auto left = site.other.identities.List().value();
    EXPECT_THAT(left, SizeIs(1));
    EXPECT_EQ(left.front().uuid, "used");
    return happened;
  });
}

TEST(CleanerTidyingTest, AnIdentityThatASentinelOfAnotherGroupKnowsIsKept) {
  CleanerSite site;
  site.group_names.push_back("second");
  ASSERT_TRUE(site.other.groups.Ensure("second"));
  ASSERT_TRUE(site.other.identities.Take({.uuid = UuidOf(5), .endpoint = SentinelAt(5)}));
  ASSERT_TRUE(
      site.other_session->Delete("/redis/identities/" + UuidOf(5) + "/taken", zookeeper::kAnyVersion));
  for (const int number : {1, 5}) {
    auto& sentinel = site.fleet.AddSentinel(SentinelAt(number), "second", kA);
    sentinel.id = store::SentinelIdOf(UuidOf(number));
  }
  site.TurnFor(60s);
  EXPECT_THAT(site.other.identities.List().value(), SizeIs(1));
  site.fleet.sentinel(SentinelAt(1)).groups.at("second").peers.clear();
  site.TurnFor(60s);
  EXPECT_THAT(site.other.identities.List().value(), IsEmpty());
}

TEST(CleanerTidyingTest, AnIdentityThatIsTakenInTheMeantimeStays) {
  const CapturedLog log;
  CleanerSite site;
  ASSERT_TRUE(site.other.identities.Take({.uuid = "free", .endpoint = SentinelAt(kGoneSentinel)}));
  ASSERT_TRUE(site.other_session->Delete("/redis/identities/free/taken", zookeeper::kAnyVersion));
  site.servers.before = [&] {
    EXPECT_TRUE(site.other.identities.Take({.uuid = "free", .endpoint = SentinelAt(5)}));
  };
  site.TurnFor(60s);
  EXPECT_THAT(site.other.identities.List().value(), SizeIs(1));
  EXPECT_THAT(log.text(), HasSubstr("clean-up skipped: identity free was taken in the meantime"));
}

TEST(CleanerTidyingTest, ForgetsDataThatNoLivingNodeHasReportedForADayWhicheverCallFails) {
  AtEveryCall([](int number, Fault fault) {
    CleanerSite site;
    for (const std::string node : {"gone-1", "gone-2", "node-10.0.0.2"})
      EXPECT_TRUE(
          site.other.datasets.Report(kGroup, {.node = node, .endpoint = kGone, .dataset = {.bytes = 1}}));
    site.zookeeper.Advance(24h);
    EXPECT_TRUE(
        site.other.datasets.Report(kGroup, {.node = "fresh", .endpoint = kGone, .dataset = {.bytes = 1}}));
    site.session.FailCall(number, fault);
    site.TurnFor(5s);
    const bool happened = site.session.faults() > 0;
    site.session.Heal();
    // Data are looked at every ten minutes, and again as long as there are more of them.
    site.time.Advance(10min);
    site.TurnFor(15s);
    const auto datasets = site.other.datasets.List(kGroup).value();
    std::vector<std::string> left;
    for (const auto& known : datasets) left.push_back(known.node);
    EXPECT_THAT(left, ElementsAre("fresh", "node-10.0.0.2"));
    return happened;
  });
}

TEST(CleanerTidyingTest, WritesNothingWhereAllNodesWithDataLive) {
  CleanerSite site;
  const auto version = [&site] {
    return site.other_session->Get("/redis/cleanup", zookeeper::Watch::kNo)->stat.version;
  };
  ASSERT_TRUE(
      site.other.datasets.Report(kGroup, {.node = "node-10.0.0.2", .endpoint = kB, .dataset = {.bytes = 1}}));
  const auto before = version();
  site.TurnFor(30s);
  EXPECT_EQ(version(), before);
  ASSERT_TRUE(
      site.other.datasets.Report(kGroup, {.node = "gone", .endpoint = kGone, .dataset = {.bytes = 1}}));
  site.time.Advance(10min);
  site.TurnFor(15s);
  EXPECT_EQ(version(), before + 1) << "once in ten minutes";
}

TEST(CleanerTidyingTest, SaysWhatItCannotRemove) {
  const CapturedLog log;
  CleanerSite site;
  ASSERT_TRUE(
      site.other.datasets.Report(kGroup, {.node = "old", .endpoint = kGone, .dataset = {.bytes = 1}}));
  site.zookeeper.Advance(25h);
  site.session.FailEvery(Call::kDelete, Fault::kBefore);
  site.TurnFor(20s);
  EXPECT_THAT(log.text(), HasSubstr("clean-up failed: cannot remove old: "));
  site.session.Heal();
  site.time.Advance(10min);
  site.TurnFor(5s);
  EXPECT_THAT(site.other.datasets.List(kGroup).value(), IsEmpty());
}

}  // namespace
}  // namespace redis_zk::testing::cleaner_tidying_test
