#include "store/addresses.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <optional>

namespace redis_zk::testing::addresses_test {
namespace {

using store::AddressVerdict;
using store::Announcer;
using store::JudgeAddress;

TEST(JudgeAddressTest, OneAddressForOneServer) {
  const Announcer serving{"a", true};
  const Announcer alive{"a", true, true};
  const Announcer starting{"a", false};
  struct Row {
    const char* name;
    std::optional<Announcer> other;
    bool answered;
    bool patient;
    AddressVerdict verdict;
  };
  for (const auto& [name, other, answered, patient, verdict] : std::initializer_list<Row>{
           {"nobody else", {}, false, true, AddressVerdict::kOurs},
           {"nobody registered, but a server answers", {}, true, true, AddressVerdict::kWait},
           {"the same, later", {}, true, false, AddressVerdict::kRefuse},
           {"a predecessor that was killed", serving, false, true, AddressVerdict::kOurs},
           {"the same, later", serving, false, false, AddressVerdict::kOurs},
           {"it stops, or it lives", serving, true, true, AddressVerdict::kWait},
           {"it lives", serving, true, false, AddressVerdict::kRefuse},
           {"one that starts, or died then", starting, false, true, AddressVerdict::kWait},
           {"it still starts", starting, false, false, AddressVerdict::kRefuse},
           {"it begins to serve", starting, true, true, AddressVerdict::kWait},
           {"it serves", starting, true, false, AddressVerdict::kRefuse},
           {"it serves where nobody reaches it", alive, false, true, AddressVerdict::kWait},
           {"the same, later", alive, false, false, AddressVerdict::kRefuse}})
    EXPECT_EQ(JudgeAddress(other, answered, patient), verdict) << name;
}

}  // namespace
}  // namespace redis_zk::testing::addresses_test
