#include "base/random_id.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace redis_zk::testing::random_id_test {
namespace {

using ::testing::MatchesRegex;

TEST(RandomIdTest, HasTheFormOfItsKind) {
  for (int round = 0; round < 100; ++round) {
    EXPECT_THAT(NewUuid(),
                MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
    EXPECT_THAT(NewHexId(), MatchesRegex("[0-9a-f]{32}"));
  }
}

TEST(RandomIdTest, IsNewEachTimeInEveryThread) {
  constexpr std::size_t kThreads = 4;
  constexpr std::size_t kEach = 500;
  std::vector<std::vector<std::string>> made(kThreads);
  std::vector<std::thread> threads;
  for (auto& ids : made) {
    threads.emplace_back([&ids] {
      for (std::size_t i = 0; i < kEach; ++i) ids.push_back(NewHexId());
    });
  }
  for (auto& thread : threads) thread.join();
  std::set<std::string> different;
  for (const auto& ids : made) different.insert(ids.begin(), ids.end());
  EXPECT_EQ(different.size(), kThreads * kEach);
}

TEST(RandomFractionTest, StaysBelowOne) {
  double least = 1;
  double most = 0;
  for (int round = 0; round < 10'000; ++round) {
    const double fraction = RandomFraction();
    ASSERT_GE(fraction, 0.0);
    ASSERT_LT(fraction, 1.0);
    least = std::min(least, fraction);
    most = std::max(most, fraction);
  }
  EXPECT_LT(least, 0.1);
  EXPECT_GT(most, 0.9);
}

TEST(RandomIndexTest, ReachesEveryIndexAndNoOther) {
  EXPECT_EQ(RandomIndex(1), 0U);
  std::set<std::size_t> seen;
  for (int round = 0; round < 1000; ++round) seen.insert(RandomIndex(3));
  EXPECT_EQ(seen, (std::set<std::size_t>{0, 1, 2}));
}

}  // namespace
}  // namespace redis_zk::testing::random_id_test
