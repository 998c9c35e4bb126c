#include "watcher/cleanup.h"

#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "store/sentinel_id.h"

namespace redis_zk::testing::cleanup_test {
namespace {

using store::SentinelIdOf;
using watcher::CleanUpAction;
using watcher::CleanUpMemory;
using watcher::CleanUpView;
using watcher::DecideCleanUp;
using watcher::FindStaleEntries;
using watcher::Note;
using watcher::Remember;
using watcher::SentinelView;
using Kind = CleanUpAction::Kind;

constexpr Duration kPatience = 60s;
const TimePoint kStart{1000h};
const TimePoint kRipe = kStart + kPatience;
const Endpoint kMaster{"10.0.0.1", 6379};
const Endpoint kReplica{"10.0.0.2", 6379};
const Endpoint kSecondReplica{"10.0.0.3", 6379};
const Endpoint kGoneReplica{"10.0.0.4", 6379};
const Endpoint kGonePeer{"10.0.0.9", 26379};
const std::string kGoneUuid = "99999999-9999-4999-8999-999999999999";
const std::string kGoneId = SentinelIdOf(kGoneUuid);

store::Sentinel Registered(int number) {
  const std::string digit = std::to_string(number);
  return {std::string(8, digit[0]) + "-0000-4000-8000-000000000000", {"10.0.0." + digit, 26379}};
}
sentinel::PeerReport Peer(const store::Sentinel& sentinel) {
  return {SentinelIdOf(sentinel.uuid), sentinel.endpoint, false};
}
store::Member ServingMember(const std::string& uuid, const Endpoint& endpoint) {
  return {.uuid = uuid, .endpoint = endpoint, .node = "node-" + uuid, .serving = true};
}
redis::ServerInfo Following() { return {.role = redis::Role::kReplica, .master = kMaster, .link_up = true}; }

// A master with two replicas and `count` Sentinels, in perfect health, all of it looked up.
CleanUpView Healthy(int count = 3) {
  CleanUpView view{.group = "master1",
                   .connected = true,
                   .may_act = true,
                   .record = {.state = store::Record::State::kMaster, .master = kMaster, .epoch = 4},
                   .known_elsewhere = std::set<std::string>{},
                   .servers = std::map<Endpoint, redis::ServerInfo>{}};
  for (int number = 1; number <= count; ++number) view.sentinels.push_back(Registered(number));
  for (const auto& sentinel : view.sentinels) {
    SentinelView sentinel_view{
        .sentinel = sentinel,
        .report = {.sentinel = sentinel.endpoint, .master = kMaster, .config_epoch = 4, .quorum = 2}};
    for (const auto& other : view.sentinels) {
      if (other != sentinel) sentinel_view.known.peers.push_back(Peer(other));
    }
    sentinel_view.known.replicas = {{kReplica, false, true}, {kSecondReplica, false, true}};
    view.sentinel_views.push_back(sentinel_view);
  }
  view.members = {ServingMember("a", kMaster), ServingMember("b", kReplica),
                  ServingMember("c", kSecondReplica)};
  view.servers->emplace(kMaster, redis::ServerInfo{.role = redis::Role::kMaster,
                                                   .replicas = {{kReplica, true}, {kSecondReplica, true}}});
  view.servers->emplace(kReplica, Following());
  view.servers->emplace(kSecondReplica, Following());
  return view;
}
// Every Sentinel counts one that is gone.
CleanUpView Haunted(int count = 3) {
  CleanUpView view = Healthy(count);
  for (auto& sentinel_view : view.sentinel_views)
    sentinel_view.known.peers.push_back({kGoneId, kGonePeer, true});
  return view;
}

// `view` was seen at kStart, and is looked at again at `now`.
CleanUpAction DecideAt(const CleanUpView& view, TimePoint now) {
  CleanUpMemory memory;
  Remember(view, kStart, &memory);
  Remember(view, now, &memory);
  return DecideCleanUp(view, memory, kPatience, now);
}

struct Row {
  const char* name;
  std::function<void(CleanUpView&)> change;
};

void Check(const CleanUpView& base, Kind expected, std::initializer_list<Row> rows) {
  for (const auto& row : rows) {
    CleanUpView view = base;
    row.change(view);
    const auto action = DecideAt(view, kRipe);
    EXPECT_EQ(action.kind, expected) << row.name << ": " << action.reason;
    EXPECT_FALSE(action.reason.empty()) << row.name;
    EXPECT_EQ(action.reason.find('\n'), std::string::npos) << row.name;
  }
}

TEST(CleanUpTest, ResetsTheFirstSentinelThatCountsAGhost) {
  const auto action = DecideAt(Haunted(), kRipe);
  ASSERT_EQ(action.kind, Kind::kReset) << action.reason;
  EXPECT_EQ(action.sentinel, Registered(1));
  EXPECT_EQ(action.stale_entries, std::vector{kGoneId});
  EXPECT_NE(action.reason.find("10.0.0.9:26379"), std::string::npos) << action.reason;
}

TEST(CleanUpTest, ResetsAlsoFor) {
  Check(Healthy(), Kind::kReset,
        {{"a stale entry that only one counts",
          [](auto& view) {
            view.sentinel_views[2].known.peers.push_back({kGoneId, kGonePeer, true});
          }},
         {"a replica that is gone",
          [](auto& view) {
            view.sentinel_views[0].known.replicas.push_back({kGoneReplica, true, false});
          }},
         {"both",
          [](auto& view) {
            view.sentinel_views[1].known.peers.push_back({kGoneId, kGonePeer, true});
            view.sentinel_views[1].known.replicas.push_back({kGoneReplica, true, false});
          }},
         {"an earlier life of a Sentinel that moved and got another id",
          [](auto& view) {
            view.sentinel_views[0].known.peers.push_back({std::string(40, 'a'), kGonePeer, true});
          }},
         {"a stale entry whose identity is free", [](auto& view) {
            view.identities = {{.uuid = kGoneUuid, .endpoint = kGonePeer}};
            view.sentinel_views[0].known.peers.push_back({kGoneId, kGonePeer, true});
          }}});
  Check(Haunted(), Kind::kReset,
        {{"as it is", [](auto&) {}},
         {"a registered Sentinel does not know the group",
          [](auto& view) { view.sentinels.push_back(Registered(8)); }},
         {"a registered member waits for its role",
          [](auto& view) { view.members.push_back({.uuid = "d", .endpoint = kGoneReplica}); }},
         {"the one to forget has not found everyone itself",
          [](auto& view) { view.sentinel_views[0].known.replicas.clear(); }},
         {"no member is registered", [](auto& view) { view.members.clear(); }},
         {"a replica of somebody else is attached and known, though not well", [](auto& view) {
            view.servers->at(kMaster).replicas.push_back({kGoneReplica, false});
            for (auto& sentinel_view : view.sentinel_views)
              sentinel_view.known.replicas.push_back({kGoneReplica, true, false});
          }}});
}

TEST(CleanUpTest, SeesNoGhostIn) {
  Check(Healthy(), Kind::kNothing,
        {{"a healthy group", [](auto&) {}},
         {"a peer that is down but registered",
          [](auto& view) { view.sentinel_views[0].known.peers[0].down = true; }},
         {"a peer that is registered under an id that is not ours",
          [](auto& view) {
            view.sentinel_views[0].known.peers[0] = {std::string(40, 'f'), Registered(2).endpoint, true};
          }},
         {"a peer that has moved and registered, and was not found yet",
          [](auto& view) { view.sentinel_views[0].known.peers[0].endpoint = kGonePeer; }},
         {"a peer that is not registered but lives",
          [](auto& view) {
            view.sentinel_views[0].known.peers.push_back({kGoneId, kGonePeer, false});
          }},
         {"a peer that is down and whose identity is taken",
          [](auto& view) {
            view.identities = {{.uuid = kGoneUuid, .endpoint = kGonePeer, .taken = true}};
            view.sentinel_views[0].known.peers.push_back({kGoneId, kGonePeer, true});
          }},
         {"a replica that is down but registered",
          [](auto& view) { view.sentinel_views[0].known.replicas[0].down = true; }},
         {"a replica that is not registered but lives",
          [](auto& view) {
            view.sentinel_views[0].known.replicas.push_back({kGoneReplica, false, true});
          }},
         {"a replica that a Sentinel does not reach but the master does", [](auto& view) {
            view.sentinel_views[0].known.replicas.push_back({kGoneReplica, true, false});
            view.servers->at(kMaster).replicas.push_back({kGoneReplica, true});
          }}});
}

TEST(CleanUpTest, IsNotForAWatcherThat) {
  Check(Haunted(), Kind::kNothing,
        {{"has lost ZooKeeper", [](auto& view) { view.connected = false; }},
         {"does not hold the lock", [](auto& view) { view.may_act = false; }},
         {"finds no Sentinel that knows the group", [](auto& view) { view.sentinel_views.clear(); }}});
}

TEST(CleanUpTest, RefusesWhileTheSentinelsDoNotAgree) {
  Check(
      Haunted(), Kind::kRefuse,
      {{"nobody recorded", [](auto& view) { view.record = {}; }},
       {"unreadable record", [](auto& view) { view.record.state = store::Record::State::kUnreadable; }},
       {"a registered Sentinel is silent", [](auto& view) { view.silent.push_back(Registered(7)); }},
       {"one reports the master down", [](auto& view) { view.sentinel_views[2].report.master_down = true; }},
       {"one reports a failover",
        [](auto& view) { view.sentinel_views[2].report.failover_in_progress = true; }},
       {"one names another master", [](auto& view) { view.sentinel_views[2].report.master = kReplica; }},
       {"all name another master than the record",
        [](auto& view) {
          for (auto& sentinel_view : view.sentinel_views) sentinel_view.report.master = kReplica;
        }},
       {"one knows an older epoch", [](auto& view) { view.sentinel_views[2].report.config_epoch = 3; }},
       {"one knows a newer epoch", [](auto& view) { view.sentinel_views[0].report.config_epoch = 5; }}});
}

TEST(CleanUpTest, RefusesWhileAServerIsNotWell) {
  Check(Haunted(), Kind::kRefuse,
        {{"the master does not answer", [](auto& view) { view.servers->erase(kMaster); }},
         {"nobody answers", [](auto& view) { view.servers->clear(); }},
         {"the master is a replica",
          [](auto& view) { view.servers->at(kMaster).role = redis::Role::kReplica; }},
         {"the master is loading", [](auto& view) { view.servers->at(kMaster).loading = true; }},
         {"a registered replica does not answer", [](auto& view) { view.servers->erase(kReplica); }},
         {"a registered replica is not attached",
          [](auto& view) { view.servers->at(kMaster).replicas.pop_back(); }},
         {"a registered replica is still copying",
          [](auto& view) { view.servers->at(kMaster).replicas[0].online = false; }},
         {"a registered replica has lost its link",
          [](auto& view) { view.servers->at(kReplica).link_up = false; }},
         {"a registered replica acts as master",
          [](auto& view) { view.servers->at(kReplica).role = redis::Role::kMaster; }}});
}

TEST(CleanUpTest, RefusesWhenTheOthersCouldNotStandIn) {
  Check(Haunted(), Kind::kRefuse,
        {{"another does not know a Sentinel",
          [](auto& view) {
            view.sentinel_views[1].known.peers.erase(view.sentinel_views[1].known.peers.begin());
          }},
         {"another finds a Sentinel down",
          [](auto& view) { view.sentinel_views[1].known.peers[0].down = true; }},
         {"another does not know a replica",
          [](auto& view) { view.sentinel_views[2].known.replicas.pop_back(); }},
         {"another finds a replica down",
          [](auto& view) { view.sentinel_views[2].known.replicas[0].down = true; }},
         {"another finds a replica without its link",
          [](auto& view) { view.sentinel_views[2].known.replicas[0].master_link_up = false; }},
         {"another does not know an unregistered replica",
          [](auto& view) {
            view.servers->at(kMaster).replicas.push_back({kGoneReplica, true});
          }},
         {"another has lost the master",
          [](auto& view) { view.sentinel_views[1].report.master_connected = false; }},
         {"the quorum needs them all", [](auto& view) { view.sentinel_views[0].report.quorum = 3; }}});
  Check(Haunted(2), Kind::kRefuse, {{"one of two", [](auto&) {}}});
  Check(Haunted(1), Kind::kRefuse, {{"one of one", [](auto&) {}}});
}

TEST(CleanUpTest, AsksTheServersOnlyWhenItMatters) {
  Check(Haunted(), Kind::kAskServers, {{"a stale entry", [](auto& view) { view.servers.reset(); }}});
  Check(Healthy(), Kind::kNothing, {{"no stale entry", [](auto& view) { view.servers.reset(); }}});
  Check(Haunted(), Kind::kRefuse, {{"the master is down anyway", [](auto& view) {
                                      view.servers.reset();
                                      view.sentinel_views[0].report.master_down = true;
                                    }}});
}

TEST(CleanUpTest, IsPatient) {
  EXPECT_EQ(DecideAt(Haunted(), kRipe - 1ms).kind, Kind::kWait);
  EXPECT_EQ(DecideAt(Haunted(), kRipe).kind, Kind::kReset);
  CleanUpMemory memory;
  Remember(Haunted(), kStart, &memory);
  Remember(Healthy(), kStart + 30s, &memory);
  Remember(Haunted(), kStart + 40s, &memory);
  EXPECT_EQ(DecideCleanUp(Haunted(), memory, kPatience, kRipe).kind, Kind::kWait)
      << "it was back for a while";
  CleanUpView younger = Haunted();
  for (auto& sentinel_view : younger.sentinel_views)
    sentinel_view.known.replicas.push_back({kGoneReplica, true, false});
  Remember(younger, kStart + 50s, &memory);
  EXPECT_EQ(DecideCleanUp(younger, memory, kPatience, kStart + 100s).kind, Kind::kWait)
      << "a RESET would make it forget the younger stale entry as well";
  EXPECT_EQ(DecideCleanUp(younger, memory, kPatience, kStart + 110s).kind, Kind::kReset);
}

TEST(CleanUpTest, KeepsCountingWhileASentinelDoesNotAnswer) {
  CleanUpMemory memory;
  Remember(Haunted(), kStart, &memory);
  CleanUpView silent = Haunted();
  silent.silent = silent.sentinels;
  silent.sentinel_views.clear();
  Remember(silent, kStart + 30s, &memory);
  EXPECT_EQ(DecideCleanUp(Haunted(), memory, kPatience, kRipe).kind, Kind::kReset);
}

// A RESET of the first Sentinel was requested.
class VerificationTest : public ::testing::Test {
 protected:
  VerificationTest() {
    Remember(Haunted(), kStart, &memory_);
    const auto reset = DecideCleanUp(Haunted(), memory_, kPatience, kRipe);
    EXPECT_EQ(reset.kind, Kind::kReset);
    Note("master1", reset, kRipe, &memory_);
    found_.sentinel_views[0] = Healthy().sentinel_views[0];
    blind_.sentinel_views[0].known = {};
  }

  CleanUpAction After(const CleanUpView& view, Duration passed) {
    Remember(view, kRipe + passed, &memory_);
    const auto action = DecideCleanUp(view, memory_, kPatience, kRipe + passed);
    Note(view.group, action, kRipe + passed, &memory_);
    return action;
  }

  CleanUpMemory memory_;
  CleanUpView blind_ = Haunted();  // it knows nobody yet
  CleanUpView found_ = Haunted();  // it has found everyone; the others still count the stale_entry
};

TEST_F(VerificationTest, TheNextOneHasItsTurnWhenEveryoneIsFoundAgain) {
  EXPECT_EQ(After(blind_, 1s).kind, Kind::kWait);
  EXPECT_EQ(After(found_, 10s).kind, Kind::kVerified);
  const auto second = After(found_, 11s);
  EXPECT_EQ(second.kind, Kind::kReset) << second.reason;
  EXPECT_EQ(second.sentinel, Registered(2));
  found_.sentinel_views[1] = Healthy().sentinel_views[1];
  EXPECT_EQ(After(found_, 20s).kind, Kind::kVerified);
  const auto third = After(found_, 21s);
  EXPECT_EQ(third.sentinel, Registered(3)) << third.reason;
  EXPECT_EQ(After(Healthy(), 30s).kind, Kind::kVerified);
  EXPECT_EQ(After(Healthy(), 31s).kind, Kind::kNothing);
}

TEST_F(VerificationTest, WaitsFor) {
  const std::initializer_list<Row> rows{
      {"a Sentinel", [](auto& view) { view.sentinel_views[0].known.peers.pop_back(); }},
      {"a Sentinel that is well", [](auto& view) { view.sentinel_views[0].known.peers[0].down = true; }},
      {"a replica", [](auto& view) { view.sentinel_views[0].known.replicas.pop_back(); }},
      {"a replica that is well",
       [](auto& view) { view.sentinel_views[0].known.replicas[0].master_link_up = false; }},
      {"an unregistered replica",
       [](auto& view) {
         view.servers->at(kMaster).replicas.push_back({kGoneReplica, true});
       }},
      {"its link to the master", [](auto& view) { view.sentinel_views[0].report.master_connected = false; }},
      {"its answer",
       [](auto& view) {
         view.silent.push_back(view.sentinel_views[0].sentinel);
         view.sentinel_views.erase(view.sentinel_views.begin());
       }},
      {"the master's answer", [](auto& view) { view.servers->erase(kMaster); }}};
  for (const auto& row : rows) {
    CleanUpView view = found_;
    row.change(view);
    CleanUpMemory memory = memory_;
    EXPECT_EQ(DecideCleanUp(view, memory, kPatience, kRipe + 29s).kind, Kind::kWait) << row.name;
    EXPECT_EQ(DecideCleanUp(view, memory, kPatience, kRipe + 30s).kind, Kind::kGiveUp) << row.name;
  }
}

TEST_F(VerificationTest, GivesUpAtOnceWhen) {
  const std::initializer_list<Row> rows{
      {"it has gone", [](auto& view) { view.sentinels.erase(view.sentinels.begin()); }},
      {"the master is down", [](auto& view) { view.sentinel_views[1].report.master_down = true; }},
      {"it finds the master down", [](auto& view) { view.sentinel_views[0].report.master_down = true; }},
      {"a failover began", [](auto& view) { view.sentinel_views[1].report.failover_in_progress = true; }},
      {"it names another master", [](auto& view) { view.sentinel_views[0].report.master = kReplica; }},
      {"it has lost its epoch", [](auto& view) { view.sentinel_views[0].report.config_epoch = 0; }},
      {"the record has changed", [](auto& view) { view.record.master = kReplica; }}};
  for (const auto& row : rows) {
    CleanUpView view = found_;
    row.change(view);
    const auto action = DecideCleanUp(view, memory_, kPatience, kRipe + 1s);
    EXPECT_EQ(action.kind, Kind::kGiveUp) << row.name << ": " << action.reason;
  }
}

TEST_F(VerificationTest, AFailedVerificationIsFollowedByALongPause) {
  EXPECT_EQ(After(blind_, 30s).kind, Kind::kGiveUp);
  EXPECT_EQ(After(found_, 31s).kind, Kind::kRefuse);
  EXPECT_EQ(After(found_, 30s + watcher::kPauseAfterFailedVerification - 1ms).kind, Kind::kRefuse);
  const auto next = After(found_, 30s + watcher::kPauseAfterFailedVerification);
  EXPECT_EQ(next.kind, Kind::kReset) << next.reason;
  EXPECT_EQ(next.sentinel, Registered(2));
}

TEST_F(VerificationTest, NobodyForgetsTheSameGhostTwice) {
  CleanUpView stubborn = Healthy();
  stubborn.sentinel_views[0] = Haunted().sentinel_views[0];
  EXPECT_EQ(After(stubborn, 1s).kind, Kind::kVerified) << "the living are all there";
  EXPECT_EQ(After(stubborn, 1h).kind, Kind::kRefuse);
  EXPECT_EQ(After(Healthy(), 2h).kind, Kind::kNothing) << "away";
  EXPECT_EQ(After(stubborn, 3h).kind, Kind::kRefuse) << "and back without having lived";
  EXPECT_EQ(After(stubborn, 4h).kind, Kind::kRefuse);
  CleanUpView alive = stubborn;
  alive.sentinel_views[0].known.peers.back().down = false;
  EXPECT_EQ(After(alive, 5h).kind, Kind::kNothing);
  EXPECT_EQ(After(stubborn, 6h).kind, Kind::kWait) << "it has lived since";
  EXPECT_EQ(After(stubborn, 7h).kind, Kind::kReset);
}

TEST_F(VerificationTest, KeepsOtherGroupsWaiting) {
  CleanUpView other = Haunted();
  other.group = "other";
  EXPECT_EQ(After(other, 2h).kind, Kind::kNothing);
}

TEST(CleanUpTest, RemovesIdentitiesThatNobodyWillTakeAgain) {
  const store::Identity free{.uuid = kGoneUuid, .endpoint = kGonePeer};
  CleanUpView base = Healthy();
  base.identities = {free};
  const auto action = DecideAt(base, kRipe);
  EXPECT_EQ(action.kind, Kind::kRemoveIdentity) << action.reason;
  EXPECT_EQ(action.entry, kGoneUuid);
  EXPECT_EQ(DecideAt(base, kRipe - 1ms).kind, Kind::kNothing) << "it may be taken again";
  Check(base, Kind::kNothing,
        {{"taken", [](auto& view) { view.identities[0].taken = true; }},
         {"known to a Sentinel",
          [](auto& view) {
            view.sentinel_views[2].known.peers.push_back({kGoneId, kGonePeer, false});
          }},
         {"of a registered Sentinel", [](auto& view) { view.identities[0].uuid = Registered(1).uuid; }},
         {"known in another group", [](auto& view) { view.known_elsewhere->insert(kGoneId); }},
         {"perhaps known in another group", [](auto& view) { view.known_elsewhere.reset(); }},
         {"nobody left to know it", [](auto& view) { view.sentinel_views.clear(); }}});
  Check(base, Kind::kRefuse,
        {{"a Sentinel is silent", [](auto& view) { view.silent.push_back(Registered(7)); }},
         {"the master is down", [](auto& view) { view.sentinel_views[0].report.master_down = true; }},
         {"the master does not answer", [](auto& view) { view.servers->erase(kMaster); }}});
}

TEST(CleanUpTest, ForgetsDataThatNobodyHasReportedForADay) {
  constexpr std::int64_t kReported = 1'700'000'000'000;
  constexpr std::int64_t kDay = 24LL * 3600 * 1000;
  CleanUpView base = Healthy();
  base.datasets = {{.node = "gone", .endpoint = kGoneReplica, .reported_at = kReported}};
  base.zookeeper_time = kReported + kDay + 1;
  const auto action = DecideAt(base, kRipe);
  EXPECT_EQ(action.kind, Kind::kForgetDataset) << action.reason;
  EXPECT_EQ(action.entry, "gone");
  Check(base, Kind::kNothing,
        {{"a day ago", [](auto& view) { view.zookeeper_time = kReported + kDay; }},
         {"reported in the future", [](auto& view) { view.zookeeper_time = kReported - 1; }},
         {"nobody knows the time", [](auto& view) { view.zookeeper_time = 0; }},
         {"the node is registered", [](auto& view) { view.members[1].node = "gone"; }}});
  Check(base, Kind::kRefuse,
        {{"nobody serves as master",
          [](auto& view) { view.servers->at(kMaster).role = redis::Role::kReplica; }},
         {"a replica is not attached", [](auto& view) { view.servers->at(kMaster).replicas.clear(); }}});
}

TEST(CleanUpTest, GhostsComeFirst) {
  CleanUpView view = Haunted();
  view.identities = {{.uuid = "77777777-7777-4777-8777-777777777777", .endpoint = kGonePeer}};
  EXPECT_EQ(DecideAt(view, kRipe).kind, Kind::kReset);
}

TEST(CleanUpTest, ForgetsTheGhostsOfAGroupThatIsGone) {
  CleanUpMemory memory;
  Remember(Haunted(), kStart, &memory);
  const auto seen = memory.stale_since;
  ASSERT_FALSE(seen.empty());
  watcher::ForgetGroups({{"master1", {}}, {"orders", {}}}, &memory);
  EXPECT_EQ(memory.stale_since, seen);
  memory.forgotten_at = seen;
  watcher::ForgetGroups({{"orders", {}}}, &memory);
  EXPECT_TRUE(memory.stale_since.empty()) << "one of the same name begins anew";
  EXPECT_EQ(memory.forgotten_at, seen) << "nobody is made to forget the same stale entry twice";
}

TEST(CleanUpTest, NamesGhostsInTheSameOrderAlways) {
  CleanUpView view = Haunted();
  view.sentinel_views[0].known.replicas.push_back({kGoneReplica, true, false});
  view.servers.reset();
  EXPECT_EQ(watcher::Join(FindStaleEntries(view, view.sentinel_views[0])),
            "Sentinel 10.0.0.9:26379, replica 10.0.0.4:6379");
}

}  // namespace
}  // namespace redis_zk::testing::cleanup_test
