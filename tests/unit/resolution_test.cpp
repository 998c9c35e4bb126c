#include "zookeeper/resolution.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <optional>

namespace redis_zk::testing::resolution_test {
namespace {

using ::testing::ElementsAre;
using zookeeper::Resolution;

TEST(ResolveTest, WritesAddressesAsTheClientTakesThem) {
  const auto addresses = zookeeper::ResolveNow({{"127.0.0.1", 2181}, {"::1", 2182}});
  ASSERT_TRUE(addresses) << addresses.error().message;
  EXPECT_THAT(*addresses, ElementsAre("127.0.0.1:2181", "::1:2182"));
}

TEST(ResolveTest, FailsOnlyWhenNothingIsLeft) {
  const auto none = zookeeper::ResolveNow({});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::kUnavailable);
}

TEST(ResolutionTest, SaysWhenItIsDoneAndIsTakenOnce) {
  std::promise<void> done;
  auto begun = Resolution::Begin({{"127.0.0.1", 2181}}, [&done] { done.set_value(); });
  ASSERT_TRUE(begun) << begun.error().message;
  ASSERT_EQ(done.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
  const auto taken = (*begun)->Take();
  ASSERT_TRUE(taken.has_value());
  EXPECT_THAT(taken->value(), ElementsAre("127.0.0.1:2181"));
  EXPECT_FALSE((*begun)->Take().has_value());
}

}  // namespace
}  // namespace redis_zk::testing::resolution_test
