// How many znodes are read.
#include "store/znodes.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <string>

#include "support/fault_site.h"
#include "unit/log_fixture.h"

namespace redis_zk::testing::znodes_test {
namespace {

using zookeeper::Lifetime;
using zookeeper::Watch;

void Fill(FaultSite& site, const std::string& parent, std::size_t from, std::size_t to,
          Lifetime lifetime = Lifetime::kPersistent, const std::string& data = "10.0.0.1 26379") {
  for (std::size_t i = from; i < to; ++i)
    ASSERT_TRUE(site.session.Create(fmt::format("{}/{:05}", parent, i), data, lifetime));
}

// Each with an address of its own.
void FillWithOthers(FaultSite& site, const std::string& parent, std::size_t from, std::size_t to) {
  for (std::size_t i = from; i < to; ++i)
    Fill(site, parent, i, i + 1, Lifetime::kPersistent, fmt::format("10.0.0.1 {}", 10000 + i));
}

auto CountLines(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

TEST(ZnodesTest, ReadsABoundedNumberAndSaysOnceWhatIsLeftOut) {
  FaultSite site;
  ASSERT_TRUE(site.registry.groups.Ensure("master1"));
  const std::size_t groups = site.registry.groups.List(Watch::kNo)->size();
  Fill(site, "/redis/sentinels", 0, store::kMostChildren, Lifetime::kEphemeral);
  Fill(site, "/redis/masters", 0, store::kMostChildren);
  const CapturedLog log;
  EXPECT_EQ(site.registry.sentinels.List(Watch::kNo)->size(), store::kMostChildren);
  EXPECT_EQ(log.text(), "") << "as many as are read";
  Fill(site, "/redis/sentinels", store::kMostChildren, store::kMostChildren + 2, Lifetime::kEphemeral);
  for (int look = 0; look < 2; ++look) {
    const auto sentinels = site.registry.sentinels.List(Watch::kNo);
    ASSERT_EQ(sentinels->size(), store::kMostChildren);
    EXPECT_EQ(sentinels->front().uuid, "00000");
  }
  const std::string said = log.text();
  EXPECT_NE(said.find("/redis/sentinels: found 10002 znodes, expected at most 10000"), std::string::npos);
  EXPECT_EQ(said.find("found 10002", said.find("found 10002") + 1), std::string::npos) << said;
  EXPECT_LE(site.registry.groups.List(Watch::kNo)->size(), store::kMostChildren + groups);
}

TEST(ZnodesTest, OfSentinelsThatWereLeftBehindTheNewestAreListed) {
  FaultSite site;
  ASSERT_TRUE(site.registry.groups.Ensure("master1"));
  const std::string parent = "/redis/sentinels";
  FillWithOthers(site, parent, 100, 100 + store::kMostOthers);
  const CapturedLog log;
  EXPECT_EQ(site.registry.sentinels.List(Watch::kNo)->size(), store::kMostOthers);
  EXPECT_EQ(log.text(), "") << "as many as are listed";
  FillWithOthers(site, parent, 0, 20);
  ASSERT_TRUE(site.registry.sentinels.Register({"ours", {"10.0.0.2", 26379}}));
  for (int look = 0; look < 2; ++look) {
    const auto listed = site.registry.sentinels.List(Watch::kNo);
    ASSERT_EQ(listed->size(), store::kMostOthers + 1);
    EXPECT_TRUE(listed->front().ours) << "clients ask it first";
    EXPECT_EQ((*listed)[1].uuid, "00000");
    EXPECT_EQ((*listed)[21].uuid, "00120");
  }
  EXPECT_EQ(CountLines(log.text()), 1) << log.text();
}

TEST(ZnodesTest, WhatOneAddressLeftBehindTakesNoOthersPlace) {
  FaultSite site;
  ASSERT_TRUE(site.registry.groups.Ensure("master1"));
  ASSERT_TRUE(site.session.Create("/redis/sentinels/old", "10.0.0.9 26379", Lifetime::kPersistent));
  Fill(site, "/redis/sentinels", 0, 2 * store::kMostOthers);
  const auto listed = site.registry.sentinels.List(Watch::kNo);
  ASSERT_EQ(listed->size(), 2U);
  EXPECT_EQ(listed->front().uuid, fmt::format("{:05}", 2 * store::kMostOthers - 1)) << "the newest of it";
  EXPECT_EQ(listed->back().uuid, "old");
}

TEST(ZnodesTest, WhatWasLeftBehindIsReadOnceAMinuteAndIsOneLine) {
  for (const std::string data : {"10.0.0.1 26379", "garbage"}) {
    FaultSite site;
    ASSERT_TRUE(site.registry.groups.Ensure("master1"));
    Fill(site, "/redis/members/master1", 0, 1000, Lifetime::kPersistent, data);
    const CapturedLog log;
    EXPECT_TRUE(site.registry.members.List("master1", Watch::kNo)->empty());
    EXPECT_EQ(CountLines(log.text()), 1) << log.text();
    EXPECT_NE(log.text().find("/redis/members/master1/00000: found \"" + data), std::string::npos);
    EXPECT_NE(log.text().find("and so are 999 more"), std::string::npos);
    site.session.FailEvery(FailingSession::Call::kGetAll, Fault::kBefore);
    EXPECT_TRUE(site.registry.members.List("master1", Watch::kNo)) << "no need to read them";
    EXPECT_TRUE(site.registry.members.ListAll({"master1"}));
    ASSERT_TRUE(site.registry.members.Register("master1", {.uuid = "m", .endpoint = {"10.0.0.1", 6379}}));
    EXPECT_FALSE(site.registry.members.List("master1", Watch::kNo)) << "one that lives is read each time";
    site.session.Heal();
    EXPECT_EQ(site.registry.members.List("master1", Watch::kNo)->size(), 1U);
    EXPECT_EQ(CountLines(log.text()), 1) << log.text();
  }
}

// Also what is refused stands in ZooKeeper's log, on the disk of every server.
TEST(ZnodesTest, NothingIsWrittenThatIsThereAlready) {
  FaultSite site;
  ASSERT_TRUE(site.registry.groups.Ensure("master1"));
  const store::Member member{.uuid = "m", .endpoint = {"10.0.0.1", 6379}};
  ASSERT_TRUE(site.registry.members.Register("master1", member));
  int writes = 0;
  using Call = FailingSession::Call;
  for (const auto call : {Call::kCreate, Call::kSet, Call::kDelete, Call::kCommit})
    site.session.BeforeEvery(call, [&writes] { ++writes; });
  ASSERT_TRUE(site.registry.members.Register("master1", member));
  ASSERT_TRUE(site.registry.datasets.Forget("master1", "never-reported"));
  EXPECT_EQ(writes, 0);
  const store::Report report{.process = {.uuid = "w", .endpoint = {"10.0.0.1", 6379}}};
  ASSERT_TRUE(site.registry.reports.Put(report));
  writes = 0;
  ASSERT_TRUE(site.registry.reports.Put(report));
  EXPECT_EQ(writes, 0);
  ASSERT_TRUE(site.registry.members.Register("master1",
                                             {.uuid = "m", .endpoint = {"10.0.0.1", 6379}, .serving = true}));
  EXPECT_EQ(writes, 1);
}

}  // namespace
}  // namespace redis_zk::testing::znodes_test
