#include "store/sentinel_id.h"

#include <gtest/gtest.h>

#include "base/random_id.h"

namespace redis_zk::testing::sentinel_id_test {
namespace {

using store::SentinelIdOf;

TEST(SentinelIdTest, ComesFromTheUuid) {
  EXPECT_EQ(SentinelIdOf("01234567-89ab-cdef-0123-456789abcdef"), "0123456789abcdef0123456789abcdef01234567");
  const std::string id = SentinelIdOf(NewUuid());
  EXPECT_EQ(id.size(), 40U);
  EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
}

TEST(SentinelIdTest, OfWhateverIsRegisteredIsSomething) {
  // Somebody else's registration may be called anything.
  EXPECT_EQ(SentinelIdOf(""), "");
  EXPECT_EQ(SentinelIdOf("abc"), "abcabc");
}

}  // namespace
}  // namespace redis_zk::testing::sentinel_id_test
