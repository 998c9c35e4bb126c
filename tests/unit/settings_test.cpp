#include "sentinel-wrapper/settings.h"

#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <vector>

namespace redis_zk::testing::settings_test {
namespace {

using sentinel::SentinelReport;
using sentinel_wrapper::Difference;
using sentinel_wrapper::Differences;
using sentinel_wrapper::InfoPeriodFor;
using sentinel_wrapper::MayBeExpected;

TEST(InfoPeriodForTest, IsLongerForALargeFleet) {
  struct Row {
    const char* name;
    Duration wanted;
    std::uint64_t servers;
    Duration period;
  };
  for (const auto& [name, wanted, servers, period] :
       std::initializer_list<Row>{{"none", 500ms, 0, 500ms},
                                  {"a small one", 500ms, 3, 500ms},
                                  {"as many as it is made for", 500ms, 100, 500ms},
                                  {"one more", 500ms, 101, 600ms},
                                  {"in steps", 500ms, 120, 600ms},
                                  {"a shorter period", 100ms, 30, 200ms},
                                  {"a longer period", 1min, 3000, 1min},
                                  {"large", 500ms, 1000, 5s},
                                  {"as large as it gets", 500ms, 2000, 10s},
                                  {"larger", 500ms, 1'000'000'000'000'000'000, 10s}})
    EXPECT_EQ(InfoPeriodFor(wanted, servers), period) << name;
}

SentinelReport Defaults() {
  return {.quorum = 2, .down_after = 30s, .failover_timeout = 3min, .parallel_syncs = 1};
}

TEST(DifferencesTest, FromWhatWasExpected) {
  struct Row {
    const char* name;
    std::function<void(SentinelReport&)> change;
    std::vector<Difference> differences;
  };
  for (const auto& [name, change, differences] : std::initializer_list<Row>{
           {"none", [](auto&) {}, {}},
           {"a failover was cut short",
            [](auto& own) { own.failover_timeout = 1ms; },
            {{"failover-timeout", "1", "180000"}}},
           {"a raised down-after",
            [](auto& own) { own.down_after = 60s; },
            {{"down-after-milliseconds", "60000", "30000"}}},
           {"all of them",
            [](auto& own) {
              own = {.quorum = 1, .down_after = 1ms, .failover_timeout = 2ms, .parallel_syncs = 3};
            },
            {{"down-after-milliseconds", "1", "30000"},
             {"failover-timeout", "2", "180000"},
             {"parallel-syncs", "3", "1"},
             {"quorum", "1", "2"}}},
           {"others do not matter", [](auto& own) { own.known_replicas = 3; }, {}}}) {
    SentinelReport own = Defaults();
    change(own);
    EXPECT_EQ(Differences(own, Defaults()), differences) << name;
  }
}

TEST(MayBeExpectedTest, NotWhatEndsAFailover) {
  struct Row {
    const char* name;
    Duration failover_timeout;
    bool may_be;
  };
  for (const auto& [name, failover_timeout, may_be] :
       std::initializer_list<Row>{{"in a handover", 1ms, false},
                                  {"too short", 999ms, false},
                                  {"short", 1s, true},
                                  {"long", 3min, true}}) {
    SentinelReport first = Defaults();
    first.failover_timeout = failover_timeout;
    EXPECT_EQ(MayBeExpected(first), may_be) << name;
  }
}

}  // namespace
}  // namespace redis_zk::testing::settings_test
