#include "watcher/remarks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

namespace redis_zk::testing::remarks_test {
namespace {

using store::Report;
using ::testing::ElementsAreArray;

constexpr std::int64_t kNow = 1'700'000'000'000;
constexpr std::int64_t kMinute = 60'000;

TEST(RemarksOnTest, NameWhatAPersonShouldLookAt) {
  struct Row {
    const char* name;
    std::function<void(Report&)> with;
    std::vector<std::string> remarks;
  };
  for (const auto& [name, with, remarks] : std::initializer_list<Row>{
           {"nothing", [](auto&) {}, {}},
           {"the server exited",
            [](auto& report) { report.past = {.exits = 3, .last_exit = 137, .last_exit_at = kNow - 42'000}; },
            {"its server exited by itself 42 s ago with code 137, 3 times in all"}},
           {"it did long ago",
            [](auto& report) {
              report.past = {.exits = 3, .last_exit = 1, .last_exit_at = kNow - 11 * kMinute};
            },
            {}},
           {"a handover failed",
            [](auto& report) {
              report.past.handover = store::HandoverEnd{kNow - 5000, false, "no replica"};
            },
            {"its last handover failed 5 s ago: no replica"}},
           {"a handover was done",
            [](auto& report) {
              report.past.handover = store::HandoverEnd{kNow, true, "handed over"};
            },
            {}},
           {"a handover failed long ago",
            [](auto& report) {
              report.past.handover = store::HandoverEnd{kNow - 11 * kMinute, false, "x"};
            },
            {}},
           {"an error",
            [](auto& report) {
              report.error = store::LoggedLine{kNow - 2 * kMinute, "conf-refused", "refused"};
            },
            {"logged an error 2 min ago (conf-refused): refused"}},
           {"an error of a clock that is ahead",
            [](auto& report) {
              report.error = store::LoggedLine{kNow + kMinute, "conf-refused", "refused"};
            },
            {"logged an error 0 s ago (conf-refused): refused"}},
           {"an old error",
            [](auto& report) {
              report.error = store::LoggedLine{kNow - 10 * kMinute, "a", "x"};
            },
            {}},
           {"a warning",
            [](auto& report) {
              report.warning = store::LoggedLine{kNow, "a", "x"};
            },
            {}},
           {"a slow turn",
            [](auto& report) {
              report.slow_turn = store::SlowTurn{kNow - 7000, 2500};
            },
            {"a turn of its loop took 2.5 s, 7 s ago"}},
           {"another version",
            [](auto& report) { report.process.version = "0.1.0"; },
            {"its version is 0.1.0, that of most wrappers 0.2.0"}},
           {"no version",
            [](auto& report) { report.process.version = ""; },
            {"its version is unknown, that of most wrappers 0.2.0"}}}) {
    Report report{.process = {.version = "0.2.0"}};
    with(report);
    EXPECT_THAT(watcher::RemarksOn(report, "0.2.0", kNow), ElementsAreArray(remarks)) << name;
  }
  EXPECT_THAT(watcher::RemarksOn({}, "", kNow), ElementsAreArray(std::vector<std::string>{}))
      << "of which version most are is open";
}

TEST(UsualVersionTest, IsThatOfMoreThanHalf) {
  struct Row {
    const char* name;
    std::vector<std::string> versions;
    std::string usual;
  };
  for (const auto& [name, versions, usual] :
       std::initializer_list<Row>{{"none", {}, ""},
                                  {"one", {"1"}, "1"},
                                  {"most", {"1", "2", "1"}, "1"},
                                  {"half of them", {"1", "2"}, ""},
                                  {"three of three kinds", {"1", "2", "3"}, ""}}) {
    std::vector<Report> wrappers;
    for (const auto& version : versions) wrappers.push_back({.process = {.version = version}});
    EXPECT_EQ(watcher::UsualVersion(wrappers), usual) << name;
  }
}

}  // namespace
}  // namespace redis_zk::testing::remarks_test
