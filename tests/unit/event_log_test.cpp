#include "store/event_log.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

namespace redis_zk::testing::event_log_test {
namespace {

using store::Appended;
using store::EventLog;
using store::ParseEventLog;
using store::PastEvent;

PastEvent At(std::int64_t time, std::string sentence = "it happened") {
  return {
      .time = time, .group = "g", .kind = "k", .sentence = std::move(sentence), .by = "h:1", .from = "a:2"};
}

TEST(EventLogTest, ReadsWhatItWrites) {
  const EventLog event_log{At(1), At(2, "\"quoted\"")};
  EXPECT_EQ(ParseEventLog(Render(event_log)).value(), event_log);
  EXPECT_EQ(ParseEventLog(Render(EventLog{})).value(), EventLog{});
  EXPECT_EQ(ParseEventLog("").value(), EventLog{});
  // A newer watcher may say more.
  const auto more = ParseEventLog(R"({"version":1,"events":[{"time":1,"kind":"k","new":1}],"x":2})");
  EXPECT_EQ(more.value(), (EventLog{{.time = 1, .kind = "k"}}));
}

TEST(EventLogTest, TellsWhoseTokenItWas) {
  PastEvent asked = At(1);
  asked.who = "alice";
  EXPECT_EQ(ParseEventLog(Render(EventLog{asked, At(2)})).value(), (EventLog{asked, At(2)}));
  EXPECT_EQ(Render(EventLog{At(2)}).find("who"), std::string::npos) << "a token without a name";
}

TEST(EventLogTest, RefusesWhatItIsNot) {
  for (const char* text :
       {" ", "nonsense", "null", "[]", "{}", "1", R"({"events":[]})", R"({"version":1})",
        R"({"version":2,"events":[]})", R"({"version":"1","events":[]})", R"({"version":1,"events":{}})",
        R"({"version":1,"events":[1]})", R"({"version":1,"events":[{}]})",
        R"({"version":1,"events":[{"time":1}]})", R"({"version":1,"events":[{"kind":"k"}]})",
        R"({"version":1,"events":[{"time":"1","kind":"k"}]})",
        R"({"version":1,"events":[{"time":1.5,"kind":"k"}]})",
        R"({"version":1,"events":[{"time":1,"kind":2}]})", R"({"version":1,"events":[{"time":1,"kind":"k"})"})
    EXPECT_FALSE(ParseEventLog(text)) << text;
}

TEST(EventLogTest, IsBounded) {
  EXPECT_EQ(Appended({At(1)}, {At(2), At(3)}), (EventLog{At(1), At(2), At(3)}));
  EXPECT_EQ(Appended({At(1)}, {}), EventLog{At(1)});
  // An append whose answer was lost, once more.
  EXPECT_EQ(Appended({At(1), At(2)}, {At(2), At(3)}), (EventLog{At(1), At(2), At(3)}));
  EventLog many;
  for (std::int64_t i = 0; i < 250; ++i) many = Appended(std::move(many), {At(i)});
  ASSERT_EQ(many.size(), store::kMostPastEvents);
  EXPECT_EQ(many.front(), At(150));
  EXPECT_EQ(many.back(), At(249));
  EventLog big;
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
  EXPECT_LE(Render(big).size(), store::kMostEventLogBytes);
  EXPECT_GT(big.size(), 20U);
  EXPECT_EQ(big.back().time, 149);
  EXPECT_EQ(ParseEventLog(Render(big)).value(), big);
}

}  // namespace
}  // namespace redis_zk::testing::event_log_test
