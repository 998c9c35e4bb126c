#include "store/pause.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <string>

namespace redis_zk::testing::pause_test {
namespace {

using store::FindPause;
using store::ParsePauses;
using store::Pause;
using store::Pauses;

constexpr std::int64_t kNow = 1'769'860'800'000;  // 2026-01-31 12:00:00 UTC
constexpr std::int64_t kHour = 3'600'000;

TEST(PauseTest, HoldsForItsGroupUntilItsTimeHasPassed) {
  struct Row {
    const char* name;
    Pauses pauses;
    const char* found;  // its reason; empty: none
  };
  const auto until = [](std::int64_t time, const char* reason) {
    return Pause{.since = kNow - kHour, .until = time, .reason = reason};
  };
  for (const Row& row : std::initializer_list<Row>{
           {"none", {}, ""},
           {"its own", {{"g", until(kNow + 1, "own")}}, "own"},
           {"of all", {{"*", until(kNow + kHour, "all")}}, "all"},
           {"its own before that of all",
            {{"g", until(kNow + 1, "own")}, {"*", until(kNow + kHour, "all")}},
            "own"},
           {"its own has ended, that of all has not",
            {{"g", until(kNow, "own")}, {"*", until(kNow + kHour, "all")}},
            "all"},
           {"of another group", {{"h", until(kNow + kHour, "other")}}, ""},
           {"it has ended", {{"g", until(kNow, "own")}}, ""},
           {"the longest", {{"g", until(kNow - kHour + store::kLongestPause.count(), "own")}}, "own"},
           {"of a machine whose clock is ahead",
            {{"g", {.since = kNow + kHour, .until = kNow + 2 * kHour, .reason = "own"}}},
            "own"},
           {"of no clock",
            {{"g", {.since = kNow + 25 * kHour, .until = kNow + 26 * kHour, .reason = "own"}}},
            ""},
           {"an end that nobody may ask for",
            {{"g", until(kNow - kHour + store::kLongestPause.count() + 1, "own")}},
            ""}}) {
    const Pause* found = FindPause(row.pauses, "g", kNow);
    EXPECT_EQ(found == nullptr ? "" : found->reason, row.found) << row.name;
  }
}

TEST(PauseTest, IsReadAsItIsWritten) {
  const Pauses pauses{
      {"g", {.since = kNow, .until = kNow + kHour, .by = "h:1", .from = "a:2", .reason = "a \"b\""}},
      {"*", {}}};
  EXPECT_EQ(ParsePauses(Render(pauses)).value(), pauses);
  EXPECT_EQ(ParsePauses(R"({"g":{"until":"x","by":1,"reason":"a\nb"},"h":7})").value(),
            (Pauses{{"g", {.reason = "a?b"}}}));
  for (const char* text : {"", "nonsense", "[]", "7"}) EXPECT_FALSE(ParsePauses(text)) << text;
}

TEST(PauseTest, SaysWhoWhyAndUntilWhen) {
  EXPECT_EQ(store::Describe({.since = kNow, .until = kNow, .by = "h:1", .from = "a:2", .reason = "why"}),
            "paused until 2026-01-31 12:00:00 UTC by a:2 through h:1: why");
  EXPECT_EQ(store::Describe({.until = kNow}), "paused until 2026-01-31 12:00:00 UTC");
}

}  // namespace
}  // namespace redis_zk::testing::pause_test
