#include "watcher/own_waits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <utility>

#include "support/fake_time.h"
#include "unit/log_fixture.h"

namespace redis_zk::testing::own_waits_test {
namespace {

using store::Record;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using watcher::FleetStatus;
using watcher::OwnWaits;
using watcher::RegistryView;

const Endpoint kOwnMaster{"10.0.0.1", 6379};

// A watcher that has nothing to wait for, until a row spoils it.
struct OwnScene {
  OwnScene() {
    view.known_at = Clock::now();
    view.sentinels = {{"u", {"10.0.1.1", 26379}}};
    view.groups["g"] = {.state = Record::State::kMaster, .master = kOwnMaster, .version = 1};
    view.groups["master1"] = {};
    observed.groups["g"].master = {.endpoint = kOwnMaster, .info = redis::ServerInfo{}};
    observed.groups["g"].master->info->role = redis::Role::kMaster;
  }
  bool Look() {
    return waits.Look({.view = view,
                       .observed = observed,
                       .unconfirmed = unconfirmed,
                       .blocked = blocked,
                       .connected = connected,
                       .refused = refused,
                       .stale = stale,
                       .following = following},
                      Clock::now());
  }
  void LookFor(Duration duration) {
    for (const TimePoint end = Clock::now() + duration; Clock::now() < end; time.Advance(1s)) Look();
  }
  Record& record() { return view.groups["g"]; }

  FakeTime time;
  RegistryView view;
  FleetStatus observed;
  std::map<std::string, std::string> unconfirmed;
  std::map<std::string, std::string> blocked;
  bool connected = true;
  bool refused = false;
  bool stale = false;
  bool following = true;
  OwnWaits waits;
};

TEST(OwnWaitsTest, AreSaidAndEndWhenWhatIsWaitedForHappens) {
  struct Row {
    const char* name;
    std::function<void(OwnScene&)> spoil;
    std::pair<std::string, std::string> expected;  // group and name
    const char* said;
  };
  for (const auto& [name, spoil, expected, said] : std::initializer_list<Row>{
           {"ZooKeeper is away",
            [](auto& scene) { scene.connected = false; },
            {"", "zookeeper"},
            "ZooKeeper is unreachable"},
           {"ZooKeeper takes no credentials",
            [](auto& scene) { scene.connected = !(scene.refused = true); },
            {"", "zookeeper"},
            "ZooKeeper takes no digest credentials"},
           {"it cannot be read", [](auto& scene) { scene.stale = true; }, {"", "registry"}, "cannot be read"},
           {"no Sentinel can be followed",
            [](auto& scene) { scene.following = false; },
            {"", "sentinel"},
            "none of 1 registered Sentinels can be followed"},
           {"no Sentinel is registered",
            [](auto& scene) {
              scene.following = false;
              scene.view.sentinels.clear();
            },
            {"", "sentinel"},
            "no Sentinel is registered"},
           {"no master is recorded",
            [](auto& scene) { scene.record().state = Record::State::kNone; },
            {"g", "master"},
            "no master is recorded"},
           {"the record is garbage",
            [](auto& scene) {
              scene.record().state = Record::State::kUnreadable;
              scene.record().found = "garbage";
            },
            {"g", "master"},
            "the record is unreadable (found \"garbage\")"},
           {"the master is silent",
            [](auto& scene) {
              scene.observed.groups["g"].master->info.reset();
              scene.observed.groups["g"].master->silent_since = Clock::now();
            },
            {"g", "master"},
            "the recorded master 10.0.0.1:6379 does not answer"},
           {"the master is a replica",
            [](auto& scene) { scene.observed.groups["g"].master->info->role = redis::Role::kReplica; },
            {"g", "master"},
            "the recorded master 10.0.0.1:6379 is a replica"},
           {"Sentinels contradict",
            [](auto& scene) { scene.unconfirmed["g"] = "they differ"; },
            {"g", "record"},
            "keeping the record, which Sentinels do not confirm: they differ"},
           {"another server's address is not forgotten",
            [](auto& scene) { scene.blocked["g"] = "Sentinels list 10.0.0.9:6379"; },
            {"g", "foreign-entries"},
            "Sentinels list 10.0.0.9:6379"},
           {"a daemon waits for a group that was never recorded",
            [](auto& scene) { scene.view.waits["master1"].emplace_back(); },
            {"master1", "master"},
            "no master is recorded"}}) {
    SCOPED_TRACE(name);
    OwnScene scene;
    const CapturedLog log("warn");
    const RegistryView view = scene.view;
    const FleetStatus observed = scene.observed;
    scene.LookFor(40s);
    EXPECT_THAT(scene.waits.all_long(), IsEmpty()) << "nothing is waited for";
    spoil(scene);
    scene.LookFor(29s);
    EXPECT_THAT(scene.waits.all_long(), IsEmpty());
    EXPECT_EQ(log.text(), "");
    scene.LookFor(2s);
    ASSERT_EQ(scene.waits.all_long().size(), 1U);
    const auto& [group, waits] = *scene.waits.all_long().begin();
    ASSERT_EQ(waits.size(), 1U);
    EXPECT_EQ(std::pair(group, waits[0].wait.name), expected);
    EXPECT_THAT(waits[0].wait.sentence, HasSubstr(said));
    EXPECT_THAT(log.text(), HasSubstr("has waited for 30 s: " + waits[0].wait.sentence));
    scene.view = view;
    scene.observed = observed;
    scene.unconfirmed.clear();
    scene.blocked.clear();
    scene.connected = scene.following = true;
    scene.stale = false;
    EXPECT_TRUE(scene.Look()) << "it is news that it is over";
    EXPECT_FALSE(scene.Look());
    EXPECT_THAT(scene.waits.all_long(), IsEmpty());
  }
}

}  // namespace
}  // namespace redis_zk::testing::own_waits_test
