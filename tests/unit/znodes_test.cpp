// How many znodes are read.
#include "store/znodes.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <string>

#include "support/fault_site.h"
#include "unit/log_fixture.h"

namespace redis_zk::testing::znodes_test {
namespace {

using zookeeper::Lifetime;
using zookeeper::Watch;

void Fill(FaultSite& site, const std::string& parent, std::size_t from, std::size_t to) {
  for (std::size_t i = from; i < to; ++i) {
    ASSERT_TRUE(
        site.session.Create(fmt::format("{}/{:05}", parent, i), "10.0.0.1 26379", Lifetime::kPersistent));
  }
}

TEST(ZnodesTest, ReadsABoundedNumberAndSaysOnceWhatIsLeftOut) {
  FaultSite site;
  ASSERT_TRUE(site.registry.groups.Ensure("master1"));
  const std::size_t groups = site.registry.groups.List(Watch::kNo)->size();
  Fill(site, "/redis/sentinels", 0, store::kMostChildren);
  Fill(site, "/redis/masters", 0, store::kMostChildren);
  const CapturedLog log;
  EXPECT_EQ(site.registry.sentinels.List(Watch::kNo)->size(), store::kMostChildren);
  EXPECT_EQ(log.text(), "") << "as many as are read";
  Fill(site, "/redis/sentinels", store::kMostChildren, store::kMostChildren + 2);
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
  ASSERT_TRUE(site.registry.waits.Remove("never-waited"));
  EXPECT_EQ(writes, 0);
  ASSERT_TRUE(site.registry.members.Register("master1",
                                             {.uuid = "m", .endpoint = {"10.0.0.1", 6379}, .serving = true}));
  EXPECT_EQ(writes, 1);
}

}  // namespace
}  // namespace redis_zk::testing::znodes_test
