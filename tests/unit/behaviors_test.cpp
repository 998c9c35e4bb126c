#include "watcher/behaviors/behaviors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "support/wait.h"
#include "unit/log_fixture.h"
#include "watcher/behaviors/exec.h"

namespace redis_zk::testing::behaviors_test {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using watcher::Behavior;
using watcher::Behaviors;
using watcher::BehaviorSettings;
using watcher::BehaviorStatus;
using watcher::Event;

// Behaviors that note what they hear, and hold an event until the test lets them go on.
class BehaviorsTest : public LogTest {
 protected:
  class Recorder : public Behavior {
   public:
    Recorder(BehaviorsTest& test, std::string name) : test_(test), name_(std::move(name)) {}

    Status Handle(const Event& event, const std::stop_token& stop) override {
      test_.news_.Report([&] { test_.heard_.push_back(name_ + " " + event.id); });
      test_.news_.Until([&] { return !test_.held_.contains(name_) || stop.stop_requested(); });
      if (event.kind == "group-gone") return Fail(ErrorKind::kRefused, "it cannot be done");
      if (stop.stop_requested()) return Fail(ErrorKind::kUnavailable, "cut short");
      return {};
    }

   private:
    BehaviorsTest& test_;
    const std::string name_;
  };

  BehaviorSettings Settings(const std::string& name, std::set<std::string> on = {}, std::size_t queue = 3) {
    return {
        .section = {name, {{"queue", {std::to_string(queue)}}}},
        .kind = "recorder",
        .on = std::move(on),
        .queue = queue,
        .make = [this](const std::string& of, const auto&) { return std::make_unique<Recorder>(*this, of); }};
  }
  static Event Numbered(int number, const std::string& kind = "following") {
    return {.id = std::to_string(number), .kind = kind};
  }
  void Hold(const std::string& name) {
    news_.Report([&] { held_.insert(name); });
  }
  void LetGo(const std::string& name) {
    news_.Report([&] { held_.erase(name); });
  }
  void AwaitHeard(std::size_t count) {
    ASSERT_TRUE(news_.Until([&] { return heard_.size() >= count; }));
  }
  // When the behavior has nothing to do.
  BehaviorStatus AwaitIdle(const Behaviors& behaviors, std::size_t index = 0) {
    BehaviorStatus status;
    EXPECT_TRUE(news_.Until([&] {
      status = behaviors.Statuses()[index];
      return !status.busy && status.queued == 0;
    }));
    return status;
  }

  News news_;
  std::vector<std::string> heard_;
  std::set<std::string> held_;
};

TEST_F(BehaviorsTest, HearOfTheKindsThatTheyAreFor) {
  Behaviors behaviors({}, {Settings("a", {"following"})});
  behaviors.Tell(Numbered(1));
  behaviors.Tell(Numbered(2, "clean-up"));
  behaviors.Tell(Numbered(3));
  AwaitHeard(2);
  const auto status = AwaitIdle(behaviors);
  EXPECT_THAT(heard_, ElementsAre("a 1", "a 3"));
  EXPECT_EQ(status.done, 2U);
  EXPECT_EQ(status.failed, 0U);
  EXPECT_EQ(status.last_error, "");
}

TEST_F(BehaviorsTest, FailAloud) {
  {
    Behaviors behaviors({}, {Settings("a")});
    behaviors.Tell(Numbered(1, "group-gone"));
    behaviors.Tell(Numbered(2));
    AwaitHeard(2);
    const auto status = AwaitIdle(behaviors);
    EXPECT_EQ(status.done, 1U);
    EXPECT_EQ(status.failed, 1U);
    EXPECT_EQ(status.last_error, "it cannot be done");
  }
  EXPECT_EQ(Logged(), "| behavior a failed on group-gone: it cannot be done\n");
}

TEST_F(BehaviorsTest, DropTheOldestWhereThereIsNoRoom) {
  Hold("a");
  {
    Behaviors behaviors({}, {Settings("a")});
    behaviors.Tell(Numbered(1));
    AwaitHeard(1);
    for (int i = 2; i <= 9; ++i) behaviors.Tell(Numbered(i));
    const auto status = behaviors.Statuses()[0];
    EXPECT_TRUE(status.busy);
    EXPECT_EQ(status.queued, 3U);
    EXPECT_EQ(status.dropped, 5U);
    LetGo("a");
    EXPECT_EQ(AwaitIdle(behaviors).done, 4U);
  }
  EXPECT_THAT(heard_, ElementsAre("a 1", "a 7", "a 8", "a 9"));
  EXPECT_EQ(Logged(), "| behavior a: dropped the 5 oldest events: its queue holds at most 3\n");
}

TEST_F(BehaviorsTest, DelayNobodyElse) {
  Hold("slow");
  Behaviors behaviors({}, {Settings("slow"), Settings("quick")});
  for (int i = 1; i <= 3; ++i) behaviors.Tell(Numbered(i));
  EXPECT_EQ(AwaitIdle(behaviors, 1).done, 3U);
  EXPECT_TRUE(behaviors.Statuses()[0].done == 0);
}

TEST_F(BehaviorsTest, EndWithoutDoingTheRest) {
  Hold("a");
  {
    Behaviors behaviors({}, {Settings("a")});
    behaviors.Tell(Numbered(1));
    behaviors.Tell(Numbered(2));
    AwaitHeard(1);
  }
  EXPECT_THAT(heard_, ElementsAre("a 1"));
  EXPECT_EQ(Logged(), "| behavior a abandoned following because it has to stop: cut short\n");
}

TEST_F(BehaviorsTest, AreReplacedWhereTheyDiffer) {
  Hold("same");
  Hold("gone");
  Behaviors behaviors({}, {Settings("same"), Settings("gone"), Settings("changed")});
  behaviors.Tell(Numbered(1));
  behaviors.Tell(Numbered(2));
  ASSERT_TRUE(news_.Until([&] {
    const auto statuses = behaviors.Statuses();
    return statuses[0].busy && statuses[1].busy && statuses[2].done == 2;
  }));
  EXPECT_EQ(behaviors.Replace({Settings("new"), Settings("changed", {}, 4), Settings("same")}),
            "behaviors: added new; changed changed; removed gone");
  const auto statuses = behaviors.Statuses();
  ASSERT_EQ(statuses.size(), 3U);
  EXPECT_EQ(statuses[0].name, "new");
  EXPECT_EQ(statuses[1].done, 0U) << "it is another one";
  EXPECT_EQ(statuses[2].queued, 1U) << "what waits stays";
  LetGo("same");
  EXPECT_EQ(AwaitIdle(behaviors, 2).done, 2U);
  EXPECT_EQ(behaviors.Replace({Settings("new"), Settings("changed", {}, 4), Settings("same")}),
            "behaviors unchanged");
  EXPECT_EQ(behaviors.Replace({}), "behaviors: removed new, changed, same");
  EXPECT_EQ(behaviors.Replace({}), "");
  behaviors.Tell(Numbered(3));
  EXPECT_THAT(heard_, Not(Contains("same 3")));
}

TEST(ExecTest, TellsTheEventInTheEnvironment) {
  const Event event{.id = "17-4",
                    .time = 1764,
                    .key = "g:3:9",
                    .kind = "master-changed",
                    .group = "g",
                    .fields = {{"to", Endpoint{"h", 1}}, {"outage_ms", 42}},
                    .sentence = "g: the master is h:1"};
  EXPECT_THAT(watcher::EnvironmentFor(event, {"PATH=/bin", "REDIS_PASSWORD_FILE=/x",
                                              "EMPTY=", "REDIS_ZK_EVENT_FROM=of another event"}),
              ElementsAre("PATH=/bin", "REDIS_PASSWORD_FILE=/x", "EMPTY=", "REDIS_ZK_EVENT_OUTAGE_MS=42",
                          "REDIS_ZK_EVENT_TO=h:1", "REDIS_ZK_EVENT_ID=17-4", "REDIS_ZK_EVENT_KEY=g:3:9",
                          "REDIS_ZK_EVENT_KIND=master-changed", "REDIS_ZK_EVENT_GROUP=g",
                          "REDIS_ZK_EVENT_TIME=1764", "REDIS_ZK_EVENT_SENTENCE=g: the master is h:1"));
}

}  // namespace
}  // namespace redis_zk::testing::behaviors_test
