#include "base/backoff.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace redis_zk::testing::backoff_test {
namespace {

double Never() { return 0.0; }
double Half() { return 0.5; }
double AlmostOne() { return 0.999999; }

TEST(BackoffTest, DoublesUpToItsLimit) {
  Backoff backoff(100ms, 3s, Never);
  for (const Duration delay : {100ms, 200ms, 400ms, 800ms, 1600ms, 3000ms, 3000ms, 3000ms}) {
    EXPECT_EQ(backoff.Next(), delay);
  }
}

TEST(BackoffTest, BeginsAnewAfterAReset) {
  Backoff backoff(100ms, 3s, Never);
  backoff.Next();
  backoff.Next();
  backoff.Reset();
  EXPECT_EQ(backoff.Next(), 100ms);
  EXPECT_EQ(backoff.Next(), 200ms);
}

TEST(BackoffTest, ShortensByUpToHalf) {
  Backoff quarter_off(100ms, 3s, Half);
  EXPECT_EQ(quarter_off.Next(), 75ms);
  EXPECT_EQ(quarter_off.Next(), 150ms) << "the shortening does not add up";
  Backoff half_off(100ms, 3s, AlmostOne);
  EXPECT_EQ(half_off.Next(), 50ms);
  EXPECT_EQ(half_off.Next(), 100ms);
}

TEST(BackoffTest, StaysWhereItsLimitIsItsFirst) {
  Backoff backoff(1s, 1s, Never);
  for (int round = 0; round < 3; ++round) EXPECT_EQ(backoff.Next(), 1s);
}

TEST(BackoffTest, NeverOverflows) {
  Backoff backoff(1ms, 24h * 365, Never);
  for (int round = 0; round < 200; ++round) {
    const Duration delay = backoff.Next();
    EXPECT_GT(delay, 0ms);
    EXPECT_LE(delay, 24h * 365);
  }
}

}  // namespace
}  // namespace redis_zk::testing::backoff_test
