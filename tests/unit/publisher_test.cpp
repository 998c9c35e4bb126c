#include "watcher/publisher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "support/fake_time.h"

namespace redis_zk::testing::publisher_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using watcher::FindOutages;
using watcher::FleetStatus;
using watcher::GroupStatus;
using watcher::Outages;
using watcher::Publisher;
using watcher::ServerStatus;
using watcher::Topology;
namespace event_kind = watcher::event_kind;

const Endpoint kA{"10.0.0.1", 6379};
const Endpoint kB{"10.0.0.2", 6379};

Topology With(const Endpoint& master, std::vector<store::Sentinel> sentinels = {}) {
  return {.default_group = "g",
          .sentinels = std::move(sentinels),
          .groups = {{"g", {.state = store::Record::State::kMaster, .master = master}}},
          .known_at = TimePoint(1h)};
}

class PublisherTest : public ::testing::Test {
 protected:
  FakeTime time_;
  std::vector<std::string> told_;
  Publisher publisher_{"g", [this](const watcher::Event& event) { told_.push_back(event.kind); }};
};

TEST_F(PublisherTest, HasTheDefaultGroupBeforeAnythingIsKnown) {
  EXPECT_EQ(publisher_.topology().Get()->default_group, "g");
}

TEST_F(PublisherTest, TellsWhatHappenedBetweenTwoTopologiesAndReturnsTheChangesOfMasters) {
  EXPECT_THAT(publisher_.Publish(With(kA), {}), IsEmpty()) << "what was there at the start is no news";
  const auto changes = publisher_.Publish(With(kB, {{"u", {"10.0.0.1", 26379}}}), {{"g", Clock::now() - 2s}});
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_EQ(changes.front().group, "g");
  EXPECT_EQ(std::get<std::int64_t>(changes.front().fields.at("outage_ms")), 2000);
  EXPECT_THAT(told_, ElementsAre(event_kind::kMasterChanged, event_kind::kSentinelCame));
  EXPECT_EQ(publisher_.topology().Get()->groups.at("g").master, kB);
  EXPECT_THAT(*publisher_.events().history().Get(), SizeIs(2));
}

TEST_F(PublisherTest, TellsWhichReplicasCameAndWent) {
  FleetStatus fleet;
  fleet.groups["g"].replicas = {ServerStatus{.endpoint = kB, .info = redis::ServerInfo{}}};
  publisher_.NoteObserved(std::make_shared<const FleetStatus>(fleet));
  EXPECT_THAT(told_, IsEmpty()) << "it was there before we looked";
  fleet.groups["g"].replicas.front().info.reset();
  publisher_.NoteObserved(std::make_shared<const FleetStatus>(fleet));
  EXPECT_THAT(told_, ElementsAre(event_kind::kReplicaGone));
}

TEST_F(PublisherTest, ClosingEndsAllWaits) {
  publisher_.Close();
  EXPECT_TRUE(publisher_.topology().closed());
  EXPECT_TRUE(publisher_.events().history().closed());
}

TEST(FindOutagesTest, AnOutageBeganWhenTheMasterWasFirstMissed) {
  const TimePoint start(1000h);
  FleetStatus fleet;
  const auto silent = [&](const std::string& group, Duration since) {
    fleet.groups[group].master = ServerStatus{.endpoint = kA, .silent_since = start + since};
  };
  silent("both", 1s);
  silent("observed", 3s);
  silent("called", 5s);
  fleet.groups["answers"].master = ServerStatus{.endpoint = kA, .info = redis::ServerInfo{}};
  fleet.groups["none"] = GroupStatus{};
  const Outages called{{"both", start + 2s}, {"called", start + 4s}, {"gone", start}};
  EXPECT_THAT(FindOutages(called, fleet), ElementsAre(Pair("both", start + 1s), Pair("called", start + 4s),
                                                      Pair("gone", start), Pair("observed", start + 3s)));
}

}  // namespace
}  // namespace redis_zk::testing::publisher_test
