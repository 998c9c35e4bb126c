#include "watcher/event_log_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "support/fake_time.h"
#include "support/fault_site.h"
#include "unit/log_fixture.h"

namespace redis_zk::testing::event_log_keeper_test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using watcher::EventLogKeeper;
using zookeeper::SessionEvent;
using zookeeper::Watch;
using Call = FailingSession::Call;

store::PastEvent Happened(std::int64_t time, const std::string& sentence) {
  return {.time = time, .group = "g", .kind = "master-changed", .sentence = sentence, .by = "w:1"};
}

struct EventLogSite {
  // As the loop does it.
  bool Turn() {
    for (const auto& event : std::exchange(events, {})) keeper.Reduce(event);
    const bool read = keeper.Read();
    keeper.Write();
    return read;
  }
  store::EventLog Stored() { return other.event_log.Read(Watch::kNo).value(); }

  FakeTime time;
  FakeZooKeeper zookeeper;
  std::vector<SessionEvent> events;
  FailingSession session{OpenFake(zookeeper, [this](const SessionEvent& event) { events.push_back(event); })};
  store::Registry registry{session, "/redis"};
  std::unique_ptr<zookeeper::Session> other_session = OpenFake(zookeeper);
  store::Registry other{*other_session, "/redis"};
  EventLogKeeper keeper{session, registry.event_log};
};

TEST(EventLogKeeperTest, EachEventIsWrittenOnceWhicheverCallFails) {
  AtEveryCall([](int number, Fault fault) {
    EventLogSite site;
    EXPECT_TRUE(site.other.event_log.Append({Happened(1, "theirs")}));
    site.keeper.Add(Happened(2, "first"));
    site.keeper.Add(Happened(3, "second"));
    site.session.FailCall(number, fault, [&site] {
      EXPECT_TRUE(site.other.event_log.Append({Happened(4, "theirs, meanwhile")}));
    });
    site.Turn();
    const bool happened = site.session.faults() > 0;
    site.session.Heal();
    for (int turn = 0; turn < 100; ++turn) {
      site.time.Advance(100ms);
      site.Turn();
    }
    EXPECT_THAT(site.Stored(), SizeIs(happened ? 4 : 3));
    for (const auto& event : {Happened(1, "theirs"), Happened(2, "first"), Happened(3, "second")})
      EXPECT_THAT(site.Stored(), ::testing::Contains(event).Times(1)) << event.sentence;
    EXPECT_EQ(site.keeper.known(), site.Stored()) << "what is written is read again";
    return happened;
  });
}

TEST(EventLogKeeperTest, IsReadOnlyWhenItHasChanged) {
  EventLogSite site;
  EXPECT_TRUE(site.Turn()) << "and made, so that it can be watched";
  EXPECT_FALSE(site.Turn());
  site.keeper.Reduce({SessionEvent::Kind::kNodeChanged, "/redis/master"});
  site.keeper.Reduce({SessionEvent::Kind::kDisconnected, ""});
  const int calls = site.session.calls();
  EXPECT_FALSE(site.Turn());
  EXPECT_EQ(site.session.calls(), calls);
  ASSERT_TRUE(site.other.event_log.Append({Happened(1, "news")}));
  EXPECT_TRUE(site.Turn());
  EXPECT_THAT(site.keeper.known(), SizeIs(1));
  site.zookeeper.Expire(site.session.id());
  site.keeper.Reduce({SessionEvent::Kind::kNodeChanged, site.registry.event_log.Path()});
  EXPECT_FALSE(site.Turn()) << "ZooKeeper is away";
  site.session.Maintain(Clock::now());
  EXPECT_TRUE(site.Turn()) << "what a watch would have told was missed";
}

TEST(EventLogKeeperTest, WhatCannotBeReadIsTriedAgainLater) {
  const CapturedLog log;
  EventLogSite site;
  site.session.FailEvery(Call::kGet, Fault::kBefore);
  for (int turn = 0; turn < 5; ++turn) {
    EXPECT_FALSE(site.Turn());
    const int calls = site.session.calls();
    site.time.Advance(2900ms);
    EXPECT_FALSE(site.Turn());
    EXPECT_EQ(site.session.calls(), calls);
    site.time.Advance(100ms);
  }
  const std::string text = log.text();
  const std::string failed = "reading the registry in ZooKeeper failed";
  ASSERT_THAT(text, HasSubstr(failed));
  EXPECT_EQ(text.find(failed), text.rfind(failed)) << "said once";
  site.session.Heal();
  EXPECT_TRUE(site.Turn());
}

TEST(EventLogKeeperTest, WhatCannotBeWrittenIsTriedAgainLaterAndAtTheEnd) {
  const CapturedLog log;
  EventLogSite site;
  site.Turn();
  site.session.FailEvery(Call::kSet, Fault::kBefore);
  site.keeper.Add(Happened(1, "first"));
  site.Turn();
  EXPECT_THAT(log.text(), HasSubstr("cannot write the event log /redis/events: "));
  site.session.Heal();
  site.time.Advance(1s);
  site.Turn();
  EXPECT_THAT(site.Stored(), IsEmpty()) << "not before three seconds have passed";
  site.keeper.WriteNow();
  EXPECT_THAT(site.Stored(), SizeIs(1)) << "there is no next time";
  site.keeper.WriteNow();
  EXPECT_THAT(site.Stored(), SizeIs(1));
}

TEST(EventLogKeeperTest, WaitsForZooKeeperAndKeepsTheYoungest) {
  EventLogSite site;
  site.Turn();
  site.zookeeper.Stop();
  const auto most = static_cast<std::int64_t>(store::kMostPastEvents);
  for (std::int64_t time = 1; time <= most + 5; ++time) site.keeper.Add(Happened(time, "e"));
  site.Turn();
  site.zookeeper.Start();
  site.Turn();
  const auto stored = site.Stored();
  ASSERT_THAT(stored, SizeIs(store::kMostPastEvents));
  EXPECT_EQ(stored.front().time, 6);
  EXPECT_EQ(stored.back().time, most + 5);
}

}  // namespace
}  // namespace redis_zk::testing::event_log_keeper_test
