#include "watcher/web/event_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>

namespace redis_zk::testing::event_stream_test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using watcher::RecentEvents;
using watcher::web::EventStream;
using watcher::web::Places;

const TimePoint kNow = TimePoint{} + 100h;

class EventStreamTest : public ::testing::Test {
 protected:
  void Happen(const std::string& sentence) {
    events_.Add(watcher::Event{.kind = watcher::event_kind::kFollowing, .sentence = sentence});
  }
  EventStream Open(const std::optional<std::string>& heard = std::nullopt,
                   std::optional<TimePoint> ends_at = std::nullopt) {
    return {events_, *places_.Take(), heard, ends_at};
  }
  std::string IdOfLast() const { return events_.history().Get()->back().id; }

  RecentEvents events_;
  Places places_{2};
};

TEST_F(EventStreamTest, TellsWhatHappensFromNowOn) {
  Happen("before");
  auto stream = Open();
  EXPECT_EQ(stream.Take(kNow), "retry: 1000\n\n") << "the headers leave with it";
  Happen("first");
  Happen("second");
  EXPECT_THAT(stream.Take(kNow), AllOf(HasSubstr("first"), HasSubstr("second"), Not(HasSubstr("before"))));
  EXPECT_EQ(stream.Take(kNow), "") << "each event once";
}

TEST_F(EventStreamTest, TellsWhatAClientMissed) {
  Happen("heard");
  const std::string heard = IdOfLast();
  Happen("missed");
  EXPECT_THAT(Open(heard).Take(kNow), AllOf(HasSubstr("missed"), Not(HasSubstr("heard"))));
  EXPECT_THAT(Open("of another watcher").Take(kNow), AllOf(HasSubstr("missed"), HasSubstr("heard")));
}

TEST_F(EventStreamTest, ShowsLifeWhileNothingHappens) {
  auto stream = Open();
  stream.Take(kNow);
  EXPECT_EQ(stream.Take(kNow + 14s), "");
  EXPECT_EQ(stream.Take(kNow + 15s), ":\n\n");
  EXPECT_EQ(stream.Take(kNow + 29s), "") << "counts from what was sent last";
  EXPECT_EQ(stream.Take(kNow + 30s), ":\n\n");
}

TEST_F(EventStreamTest, SaysWhenItIsToBeLookedAt) {
  auto stream = Open(std::nullopt, kNow + 20s);
  stream.Take(kNow);
  EXPECT_EQ(stream.due_at(), kNow + 15s) << "a sign of life";
  stream.Take(kNow + 15s);
  EXPECT_EQ(stream.due_at(), kNow + 20s) << "its end";
}

TEST_F(EventStreamTest, EndsAtItsTimeAndWithTheWatcher) {
  const auto bounded = Open(std::nullopt, kNow + 5s);
  EXPECT_FALSE(bounded.IsOver(kNow + 4s));
  EXPECT_TRUE(bounded.IsOver(kNow + 5s));
  const auto endless = Open();
  EXPECT_FALSE(endless.IsOver(kNow + 1000h));
  events_.Close();
  EXPECT_TRUE(endless.IsOver(kNow));
}

TEST_F(EventStreamTest, OccupiesAPlaceForAsLongAsItLives) {
  {
    const auto stream = Open();
    EXPECT_EQ(places_.taken(), 1);
    const auto last = places_.Take();
    EXPECT_TRUE(last);
    EXPECT_FALSE(places_.Take());
    EXPECT_EQ(places_.taken(), 2) << "a refusal takes no place";
  }
  EXPECT_EQ(places_.taken(), 0);
}

}  // namespace
}  // namespace redis_zk::testing::event_stream_test
