#include "watcher/foreign_entries.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <set>
#include <string>

#include "store/sentinel_id.h"

namespace redis_zk::testing::foreign_entries_test {
namespace {

using watcher::CleanUpAction;
using watcher::CleanUpMemory;
using watcher::CleanUpView;
using watcher::DecideCleanUp;
using watcher::FindForeign;
using watcher::FindUnregisteredPeers;
using watcher::IsImpostor;
using watcher::Remember;
using Kind = CleanUpAction::Kind;

const TimePoint kStart{1000h};
const Endpoint kMaster{"10.0.0.1", 6379};
const Endpoint kReplica{"10.0.0.2", 6379};
const Endpoint kReused{"10.0.0.4", 6379};
const Endpoint kUpstream{"10.0.0.5", 6379};
const std::string kOurId(40, 'a');
const std::string kTheirId(40, 'b');

redis::ServerInfo Stranger(redis::Role role = redis::Role::kMaster) {
  redis::ServerInfo info{.role = role, .replication_id = kTheirId};
  if (role == redis::Role::kReplica) info.master = kUpstream;
  return info;
}

store::Sentinel Registered(int number) {
  return {fmt::format("{0}{0}{0}{0}{0}{0}{0}{0}-0000-4000-8000-000000000000", number),
          {fmt::format("10.0.0.{}", number), 26379}};
}

// A group in perfect health, but that a replica died and every Sentinel lists its address, where something
// answers.
CleanUpView Reused(int sentinels = 3) {
  CleanUpView view{
      .group = "master1",
      .connected = true,
      .may_act = true,
      .record = {.state = store::Record::State::kMaster, .master = kMaster, .epoch = 4},
      .known_elsewhere = std::set<std::string>{},
      .servers = std::map<Endpoint, redis::ServerInfo>{},
      .marks = store::GroupMarks{.history = {.replication_id = kOurId}, .datasets = {}, .own = {}}};
  for (int number = 1; number <= sentinels; ++number) view.sentinels.push_back(Registered(number));
  for (const auto& sentinel : view.sentinels) {
    watcher::SentinelView seen{
        .sentinel = sentinel,
        .report = {.sentinel = sentinel.endpoint, .master = kMaster, .config_epoch = 4, .quorum = 2},
        .known = {}};
    for (const auto& other : view.sentinels) {
      if (other != sentinel)
        seen.known.peers.push_back({store::SentinelIdOf(other.uuid), other.endpoint, false});
    }
    seen.known.replicas = {{.endpoint = kReplica, .master_link_up = true}, {.endpoint = kReused}};
    view.sentinel_views.push_back(seen);
  }
  for (const auto& endpoint : {kMaster, kReplica})
    view.members.push_back(
        {.uuid = endpoint.host, .endpoint = endpoint, .node = endpoint.host, .serving = true});
  view.servers->emplace(kMaster,
                        redis::ServerInfo{.role = redis::Role::kMaster, .replicas = {{kReplica, true}}});
  view.servers->emplace(kReplica,
                        redis::ServerInfo{.role = redis::Role::kReplica, .master = kMaster, .link_up = true});
  view.unregistered.emplace(kReused, Stranger());
  return view;
}

struct Row {
  const char* name;
  std::function<void(CleanUpView&)> change;
};

bool IsForeign(CleanUpView view, Duration after) {
  CleanUpMemory memory;
  FindForeign(view, kStart, &memory);
  return FindForeign(view, kStart + after, &memory).contains(kReused);
}

void Check(bool foreign, Duration after, std::initializer_list<Row> rows) {
  for (const auto& row : rows) {
    CleanUpView view = Reused();
    row.change(view);
    EXPECT_EQ(IsForeign(view, after), foreign) << row.name;
  }
}

TEST(ForeignEntriesTest, AnAddressIsForeignAtOnceWhereThereIs) {
  Check(true, 0s,
        {{"a master of unknown data", [](auto&) {}},
         {"one that loads", [](auto& view) { view.unregistered.at(kReused).loading = true; }},
         {"a member of another group that does not answer",
          [](auto& view) {
            view.unregistered.clear();
            view.elsewhere = {kReused};
          }},
         {"a member of another group, where the Sentinels find it down",
          [](auto& view) {
            view.unregistered.clear();
            view.elsewhere = {kReused};
            for (auto& seen : view.sentinel_views) seen.known.replicas.back().down = true;
          }},
         {"one that asks for a password, and acts as master",
          [](auto& view) {
            view.unregistered.clear();
            view.refusing = {kReused};
            view.sentinel_views.back().known.replicas.back().acts_as_master = true;
          }},
         {"a replica of a foreign master", [](auto& view) {
            view.unregistered.at(kReused) = Stranger(redis::Role::kReplica);
            view.unregistered.emplace(kUpstream, Stranger());
          }}});
}

TEST(ForeignEntriesTest, AReplicaOfUnknownDataHasTimeForItsFirstCopy) {
  const std::initializer_list<Row> rows{
      {"without a link", [](auto& view) { view.unregistered.at(kReused) = Stranger(redis::Role::kReplica); }},
      {"of a member", [](auto& view) {
         view.unregistered.at(kReused) = Stranger(redis::Role::kReplica);
         view.unregistered.at(kReused).master = kMaster;
       }}};
  Check(false, watcher::kBecomesKnownWithin - 1ms, rows);
  Check(true, watcher::kBecomesKnownWithin, rows);
}

TEST(ForeignEntriesTest, ItBeginsAnewWhenItWasKnownMeanwhile) {
  CleanUpView view = Reused();
  view.unregistered.at(kReused) = Stranger(redis::Role::kReplica);
  CleanUpMemory memory;
  FindForeign(view, kStart, &memory);
  CleanUpView known = view;
  known.unregistered.at(kReused).replication_id = kOurId;
  FindForeign(known, kStart + 5s, &memory);
  EXPECT_TRUE(FindForeign(view, kStart + 9s, &memory).empty());
}

TEST(ForeignEntriesTest, AnAddressIsNotForeignWhereThereIs) {
  Check(false, 1h,
        {{"nothing that answers", [](auto& view) { view.unregistered.clear(); }},
         {"a replica that asks for a password",
          [](auto& view) {
            view.unregistered.clear();
            view.refusing = {kReused};
          }},
         {"one that asks for a password, in a group of the originals",
          [](auto& view) {
            view.unregistered.clear();
            view.refusing = {kReused};
            view.sentinel_views.back().known.replicas.back().acts_as_master = true;
            view.marks->history.replication_id.clear();
          }},
         {"a registered member in its first copy",
          [](auto& view) { view.members.push_back({.uuid = "new", .endpoint = kReused, .serving = true}); }},
         {"a member that is registered in another group as well, by its predecessor",
          [](auto& view) {
            view.elsewhere = {kReused};
            view.members.push_back({.uuid = "old", .endpoint = kReused, .serving = true});
          }},
         {"an original's server with our data",
          [](auto& view) { view.unregistered.at(kReused).replication_id = kOurId; }},
         {"an original's server that was promoted",
          [](auto& view) { view.unregistered.at(kReused).previous_replication_id = kOurId; }},
         {"data that a node of ours reported",
          [](auto& view) {
            view.marks->datasets = {{.node = "n", .endpoint = {}, .dataset = {.replication_id = kTheirId}}};
          }},
         {"a group of the originals, without a history",
          [](auto& view) { view.marks->history.replication_id.clear(); }}});
}

CleanUpAction Decide(CleanUpView view) {
  CleanUpMemory memory;
  view.foreign = FindForeign(view, kStart, &memory);
  Remember(view, kStart, &memory);
  return DecideCleanUp(view, memory, 60s, kStart);
}

TEST(ForeignEntriesTest, AreForgottenWithoutPatience) {
  const auto action = Decide(Reused());
  ASSERT_EQ(action.kind, Kind::kReset) << action.reason;
  EXPECT_EQ(action.stale_entries, std::vector{kReused.ToAddress()});
  EXPECT_NE(action.reason.find("(now not of this group)"), std::string::npos) << action.reason;
}

TEST(ForeignEntriesTest, AreNotForgottenWhile) {
  const std::initializer_list<std::pair<Row, Kind>> rows{
      {{"the master lists it, and Sentinel would find it again",
        [](auto& view) {
          view.servers->at(kMaster).replicas.push_back({kReused, false});
        }},
       Kind::kNothing},
      {{"the master is down", [](auto& view) { view.sentinel_views[0].report.master_down = true; }},
       Kind::kRefuse},
      {{"another entry of the same Sentinel may return",
        [](auto& view) {
          view.sentinel_views[0].known.replicas.push_back({{"10.0.0.8", 6379}, true, false});
          for (auto& seen : {1, 2})
            view.sentinel_views[static_cast<std::size_t>(seen)].known.replicas.pop_back();
        }},
       Kind::kWait},
      {{"a member has lost its link", [](auto& view) { view.servers->at(kReplica).link_up = false; }},
       Kind::kRefuse}};
  for (const auto& [row, kind] : rows) {
    CleanUpView view = Reused();
    row.change(view);
    const auto action = Decide(view);
    EXPECT_EQ(action.kind, kind) << row.name << ": " << action.reason;
  }
}

TEST(ForeignEntriesTest, ASilentSentinelBlocksNothingWhileAMajorityStandsIn) {
  for (const auto& [sentinels, silent, kind] :
       std::initializer_list<std::tuple<int, int, Kind>>{{3, 1, Kind::kRefuse},
                                                         {4, 1, Kind::kRefuse},
                                                         {5, 1, Kind::kReset},
                                                         {5, 2, Kind::kRefuse},
                                                         {7, 2, Kind::kReset}}) {
    CleanUpView view = Reused(sentinels);
    for (int i = 0; i < silent; ++i) {
      view.silent.push_back(view.sentinel_views.back().sentinel);
      view.sentinel_views.pop_back();
    }
    const auto action = Decide(view);
    EXPECT_EQ(action.kind, kind) << sentinels << ", silent " << silent << ": " << action.reason;
  }
}

TEST(ForeignEntriesTest, ASentinelIsStaleWhereSomethingElseAnswers) {
  const std::string id(40, 'c');
  using redis::Reply;
  EXPECT_TRUE(IsImpostor(id, {.type = Reply::Type::kError,
                              .text = "ERR unknown command 'SENTINEL', with args beginning with: 'MYID' "}));
  EXPECT_TRUE(IsImpostor(id, {.type = Reply::Type::kText, .text = std::string(40, 'd')}));
  EXPECT_FALSE(IsImpostor(id, {.type = Reply::Type::kText, .text = id}));
  EXPECT_FALSE(IsImpostor(id, {.type = Reply::Type::kError, .text = "NOAUTH Authentication required."}));
  EXPECT_FALSE(
      IsImpostor(id, {.type = Reply::Type::kError, .text = "ERR Unknown sentinel subcommand 'MYID'"}))
      << "before Redis 6.2";

  CleanUpView view = Reused();
  view.unregistered.clear();
  for (auto& seen : view.sentinel_views) {
    seen.known.replicas.pop_back();
    seen.known.peers.push_back({id, {"10.0.0.9", 26379}, false});
  }
  ASSERT_EQ(FindUnregisteredPeers(view).size(), 1U);
  CleanUpMemory memory;
  Remember(view, kStart, &memory);
  EXPECT_EQ(DecideCleanUp(view, memory, 60s, kStart + 60s).kind, Kind::kNothing);
  view.impostors = {id};
  Remember(view, kStart, &memory);
  EXPECT_EQ(DecideCleanUp(view, memory, 60s, kStart + 59s).kind, Kind::kWait);
  const auto reset = DecideCleanUp(view, memory, 60s, kStart + 60s);
  EXPECT_EQ(reset.kind, Kind::kReset) << reset.reason;
  // It came back although it answers a PING: once is enough.
  watcher::Note("master1", reset, kStart + 60s, &memory);
  watcher::Note("master1", {.kind = Kind::kVerified}, kStart + 61s, &memory);
  Remember(view, kStart + 62s, &memory);
  EXPECT_NE(DecideCleanUp(view, memory, 60s, kStart + 200s).sentinel, reset.sentinel);
  CleanUpView taken = view;
  taken.sentinels.push_back({"cccccccc-cccc-4ccc-8ccc-cccccccccccc", {"10.0.0.9", 26379}});
  EXPECT_TRUE(FindUnregisteredPeers(taken).empty()) << "it is registered";
}

}  // namespace
}  // namespace redis_zk::testing::foreign_entries_test
