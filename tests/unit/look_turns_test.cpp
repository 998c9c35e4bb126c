#include "watcher/look_turns.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>
#include <string>

namespace redis_zk::testing::look_turns_test {
namespace {

using watcher::kSlowestLook;
using watcher::kStrangeLook;
using watcher::kUrgentLook;
using watcher::LookTurns;

const std::set<std::string> kGroups{"a", "b", "c", "d"};
constexpr Duration kRound = 5s;
const TimePoint kBegin{1000h};
const LookTurns::Strange kDown{"10.0.0.9:6379 is down", false};
const LookTurns::Strange kForeign{"10.0.0.9:6379 is another server's", true};

// How often each group is looked at, by one who is awake all the time and finds in `c` what `find` says.
template <class Find>
std::map<std::string, int> Play(LookTurns& turns, Duration duration, const Find& find, bool acts = false) {
  std::map<std::string, int> looks;
  for (TimePoint now = kBegin; now < kBegin + duration; now += 100ms) {
    const auto group = turns.Next(kGroups, kRound, now);
    if (!group) continue;
    ++looks[*group];
    turns.Looked(*group, *group == "c" ? find(now) : std::nullopt, acts, now);
  }
  return looks;
}

TEST(LookTurnsTest, AllHaveTheirTurn) {
  LookTurns turns;
  const auto looks = Play(turns, 8 * kRound, [](TimePoint) { return std::nullopt; });
  for (const auto& group : kGroups) EXPECT_EQ(looks.at(group), 2) << group;
}

TEST(LookTurnsTest, WhatIsStrangeIsLookedAtOftenAtFirstAndThenSeldomForAsLongAsItStays) {
  for (const auto& found : {kDown, kForeign}) {
    LookTurns turns;
    turns.Notice({{"c", found}}, kBegin);
    const auto first = Play(turns, 10s, [&](TimePoint) { return std::optional(found); }).at("c");
    EXPECT_GE(first, 3);
    LookTurns again;
    again.Notice({{"c", found}}, kBegin);
    const auto looks = Play(again, 200s, [&](TimePoint) { return std::optional(found); });
    EXPECT_LE(looks.at("c"), first + 190s / kSlowestLook + 10 + 1) << "its own turns included";
    for (const auto& group : {"a", "b", "d"}) EXPECT_GE(looks.at(group), 8) << group;
  }
}

TEST(LookTurnsTest, BeginsAnewWhenSomethingElseIsStrange) {
  LookTurns turns;
  turns.Notice({{"c", kDown}}, kBegin);
  TimePoint last{};
  Play(turns, 100s, [&](TimePoint now) {
    last = now;
    return std::optional(kDown);
  });
  const TimePoint now = kBegin + 100s;
  turns.Notice({{"c", kDown}}, now);
  EXPECT_GT(turns.urgent_at(), now) << "that is no news";
  turns.Notice({{"c", kForeign}}, now);
  EXPECT_EQ(turns.urgent_at(), now);
  EXPECT_EQ(turns.due(), now);
}

TEST(LookTurnsTest, LooksAgainSoonWhereSomethingWasDone) {
  LookTurns turns;
  turns.Looked("c", kForeign, false, kBegin);
  turns.Looked("c", kForeign, false, kBegin + 1s);
  turns.Looked("c", kForeign, true, kBegin + 2s);
  EXPECT_EQ(turns.urgent_at(), kBegin + 2s + kUrgentLook);
  turns.Looked("c", kDown, false, kBegin + 3s);
  EXPECT_EQ(turns.urgent_at(), TimePoint::max());
  EXPECT_LE(turns.due(), kBegin + 3s + kStrangeLook);
  turns.Looked("c", std::nullopt, false, kBegin + 4s);
  turns.Looked("b", kForeign, false, kBegin + 4s);
  turns.Forget({"a"});
  EXPECT_EQ(turns.urgent_at(), TimePoint::max());
}

}  // namespace
}  // namespace redis_zk::testing::look_turns_test
