#include "zookeeper/resolution.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace redis_zk::testing::resolution_test {
namespace {

using ::testing::ElementsAre;

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

}  // namespace
}  // namespace redis_zk::testing::resolution_test
