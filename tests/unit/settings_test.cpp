#include "sentinel-wrapper/settings.h"

#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <vector>

namespace redis_zk::testing {
namespace {

using redis::SentinelReport;
using sentinel_wrapper::Difference;
using sentinel_wrapper::Differences;
using sentinel_wrapper::GroupSetting;
using sentinel_wrapper::InfoPeriodFor;

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

TEST(DifferencesTest, FromTheSettingsOrSentinelsDefaults) {
  struct Row {
    const char* name;
    std::function<void(SentinelReport&)> change;
    std::vector<GroupSetting> settings;
    std::vector<Difference> differences;
  };
  for (const auto& [name, change, settings, differences] : std::initializer_list<Row>{
           {"nothing is set", [](auto&) {}, {}, {}},
           {"a failover was cut short",
            [](auto& own) { own.failover_timeout = 1ms; },
            {},
            {{"failover-timeout", "1", "180000"}}},
           {"a failover was cut short, the file says how long",
            [](auto& own) { own.failover_timeout = 1ms; },
            {{"failover-timeout", {"20000"}}},
            {{"failover-timeout", "1", "20000"}}},
           {"as the file says",
            [](auto& own) { own.failover_timeout = 20s; },
            {{"failover-timeout", {"20000"}}},
            {}},
           {"the last one counts",
            [](auto& own) { own.down_after = 2s; },
            {{"down-after-milliseconds", {"1000"}}, {"down-after-milliseconds", {"2000"}}},
            {}},
           {"a raised down-after",
            [](auto& own) { own.down_after = 60s; },
            {{"down-after-milliseconds", {"1500"}}},
            {{"down-after-milliseconds", "60000", "1500"}}},
           {"all of them",
            [](auto& own) {
              own = {.quorum = 1, .down_after = 1ms, .failover_timeout = 2ms, .parallel_syncs = 3};
            },
            {},
            {{"down-after-milliseconds", "1", "30000"},
             {"failover-timeout", "2", "180000"},
             {"parallel-syncs", "3", "1"},
             {"quorum", "1", "2"}}},
           {"others do not matter", [](auto&) {}, {{"auth-pass", {"secret"}}}, {}},
           {"what is no number is not compared", [](auto&) {}, {{"parallel-syncs", {"1x"}}}, {}},
           {"nor are two", [](auto&) {}, {{"parallel-syncs", {"1", "2"}}}, {}},
           {"nor is nothing", [](auto&) {}, {{"parallel-syncs", {}}}, {}}}) {
    SentinelReport own = Defaults();
    change(own);
    EXPECT_EQ(Differences(own, settings, 2), differences) << name;
  }
}

}  // namespace
}  // namespace redis_zk::testing
