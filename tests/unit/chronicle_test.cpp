#include "registry/chronicle.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

namespace redis_zk::testing {
namespace {

using registry::Appended;
using registry::Chronicle;
using registry::CleanUpPause;
using registry::ParseChronicle;
using registry::ParseCleanUpPause;
using registry::PastEvent;

PastEvent At(std::int64_t time, std::string sentence = "it happened") {
  return {
      .time = time, .group = "g", .kind = "k", .sentence = std::move(sentence), .by = "h:1", .from = "a:2"};
}

TEST(ChronicleTest, ReadsWhatItWrites) {
  const Chronicle chronicle{At(1), At(2, "\"quoted\"")};
  EXPECT_EQ(ParseChronicle(Render(chronicle)).value(), chronicle);
  EXPECT_EQ(ParseChronicle(Render(Chronicle{})).value(), Chronicle{});
  EXPECT_EQ(ParseChronicle("").value(), Chronicle{});
  // A newer watcher may say more.
  const auto more = ParseChronicle(R"({"version":1,"events":[{"time":1,"kind":"k","new":1}],"x":2})");
  EXPECT_EQ(more.value(), (Chronicle{{.time = 1, .kind = "k"}}));
}

TEST(ChronicleTest, RefusesWhatItIsNot) {
  for (const char* text :
       {" ", "nonsense", "null", "[]", "{}", "1", R"({"events":[]})", R"({"version":1})",
        R"({"version":2,"events":[]})", R"({"version":"1","events":[]})", R"({"version":1,"events":{}})",
        R"({"version":1,"events":[1]})", R"({"version":1,"events":[{}]})",
        R"({"version":1,"events":[{"time":1}]})", R"({"version":1,"events":[{"kind":"k"}]})",
        R"({"version":1,"events":[{"time":"1","kind":"k"}]})",
        R"({"version":1,"events":[{"time":1.5,"kind":"k"}]})",
        R"({"version":1,"events":[{"time":1,"kind":2}]})", R"({"version":1,"events":[{"time":1,"kind":"k"})"})
    EXPECT_FALSE(ParseChronicle(text)) << text;
}

TEST(ChronicleTest, IsBounded) {
  EXPECT_EQ(Appended({At(1)}, {At(2), At(3)}), (Chronicle{At(1), At(2), At(3)}));
  EXPECT_EQ(Appended({At(1)}, {}), Chronicle{At(1)});
  // An append whose answer was lost, once more.
  EXPECT_EQ(Appended({At(1), At(2)}, {At(2), At(3)}), (Chronicle{At(1), At(2), At(3)}));
  Chronicle many;
  for (std::int64_t i = 0; i < 250; ++i) many = Appended(std::move(many), {At(i)});
  ASSERT_EQ(many.size(), registry::kMostPastEvents);
  EXPECT_EQ(many.front(), At(150));
  EXPECT_EQ(many.back(), At(249));
  Chronicle big;
  const PastEvent long_one{.time = 0,
                           .group = std::string(900, 'g'),
                           .kind = std::string(900, 'k'),
                           .sentence = std::string(9000, 's'),
                           .by = std::string(900, 'b')};
  for (std::int64_t i = 0; i < 150; ++i) {
    PastEvent event = long_one;
    event.time = i;
    big = Appended(std::move(big), {event});
  }
  EXPECT_LE(Render(big).size(), registry::kMostChronicleBytes);
  EXPECT_GT(big.size(), 20U);
  EXPECT_EQ(big.back().time, 149);
  EXPECT_EQ(ParseChronicle(Render(big)).value(), big);
}

TEST(CleanUpPauseTest, IsOneWhateverItSays) {
  const CleanUpPause pause{.since = 5, .by = "h:1", .from = "a:2", .reason = "why \"not\""};
  EXPECT_EQ(ParseCleanUpPause(Render(pause)), pause);
  for (const char* text : {"", "nonsense", "[]", R"({"since":"x","by":1})"})
    EXPECT_EQ(ParseCleanUpPause(text), CleanUpPause{}) << text;
}

}  // namespace
}  // namespace redis_zk::testing
