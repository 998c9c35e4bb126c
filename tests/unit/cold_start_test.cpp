#include "redis-wrapper/cold_start.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "unit/cold_start_scene.h"

namespace redis_zk::testing::cold_start_test {
namespace {

using redis_wrapper::DecideColdStart;
using redis_wrapper::Decision;
using redis_wrapper::FindAwaited;
using redis_wrapper::View;
using store::Dataset;
using store::KnownDataset;
using store::Member;
using Action = Decision::Action;

struct Row {
  const char* name;
  Dataset own;
  std::vector<Member> starting;
  Action action;
  bool disputed = false;
  std::string force_master{};
};

void Check(std::initializer_list<Row> rows) {
  for (const auto& row : rows) {
    const View view{.self = kSelf,
                    .own = row.own,
                    .starting = row.starting,
                    .history = kHistory,
                    .force_master = row.force_master};
    const auto decision = DecideColdStart(view, "nobody lives");
    EXPECT_EQ(decision.action, row.action) << row.name << ": " << decision.reason;
    EXPECT_EQ(decision.disputed, row.disputed) << row.name << ": " << decision.reason;
    EXPECT_EQ(decision.needs_person, row.disputed) << row.name;
    EXPECT_EQ(decision.wait.empty(), row.action != Action::kWait) << row.name << ": a wait has a name";
    EXPECT_EQ(decision.needs_lock, row.action == Action::kServeAsMaster) << row.name;
    EXPECT_EQ(decision.cold_start, row.action == Action::kServeAsMaster) << row.name;
    EXPECT_EQ(decision.reason.find("nobody lives"), 0U) << decision.reason;
  }
}

TEST(DecideColdStartTest, TheBestDataBegin) {
  Check({{"nobody has data", kEmpty, {}, Action::kServeAsMaster},
         {"nobody has data, several start", kEmpty, Starting(kB, kEmpty), Action::kServeAsMaster},
         {"alone with data", Data(kNew, 5), {}, Action::kServeAsMaster},
         {"with data beside an empty one", Data(kNew, 5), Starting(kB, kEmpty), Action::kServeAsMaster},
         {"with data of no name, beside an empty one", Data("", 5), Starting(kB, kEmpty),
          Action::kServeAsMaster},
         {"empty beside data", kEmpty, Starting(kB, Data(kNew, 5)), Action::kWait},
         {"empty beside data of no name", kEmpty, Starting(kB, Data("", 5)), Action::kWait},
         {"ahead", Data(kNew, 6), Starting(kB, Data(kNew, 5)), Action::kServeAsMaster},
         {"equal", Data(kNew, 5), Starting(kB, Data(kNew, 5)), Action::kServeAsMaster},
         {"behind", Data(kNew, 4), Starting(kB, Data(kNew, 5)), Action::kWait},
         {"of a later chapter", Data(kNew, 4), Starting(kB, Data(kOld, 99)), Action::kServeAsMaster},
         {"of an earlier chapter", Data(kOld, 99), Starting(kB, Data(kNew, 4)), Action::kWait}});
}

TEST(DecideColdStartTest, DataOfDifferentOriginNeedAPerson) {
  const auto foreign = Starting(kB, Data(kForeign, 5));
  const auto own = Data(kNew, 5);
  constexpr bool kDisputed = true;
  Check({{"nobody says", own, foreign, Action::kWait, kDisputed},
         {"nameless beside a name", own, Starting(kB, Data("", 5)), Action::kWait, kDisputed},
         {"an empty third",
          kEmpty,
          {{.endpoint = kB, .dataset = Data(kForeign, 5)}, {.endpoint = kC, .dataset = Data(kNew, 5)}},
          Action::kWait,
          kDisputed},
         {"this one, by address", own, foreign, Action::kServeAsMaster, false, "10.0.0.1:6379"},
         {"this one, by id", own, foreign, Action::kServeAsMaster, false, "bbbbbbbb"},
         {"the other, by address", own, foreign, Action::kWait, false, "10.0.0.2:6379"},
         {"the other, by id", own, foreign, Action::kWait, false, kForeign},
         {"by id, which an older copy has too",
          Data(kForeign, 4),
          {{.endpoint = kB, .dataset = Data(kForeign, 5)}, {.endpoint = kC, .dataset = own}},
          Action::kWait,
          false,
          "ffffffff"},
         {"somebody who is not here", own, foreign, Action::kWait, false, "10.0.0.9:6379"},
         {"an id that nobody has", own, foreign, Action::kWait, kDisputed, "12345678"},
         {"too few digits", own, foreign, Action::kWait, kDisputed, "bbbb"},
         {"an empty one cannot be forced", kEmpty, foreign, Action::kWait, false, "10.0.0.1:6379"},
         {"also against better data of the same origin", Data(kNew, 4), Starting(kB, Data(kNew, 5)),
          Action::kServeAsMaster, false, "10.0.0.1:6379"},
         {"the better one follows", Data(kNew, 5), Starting(kB, Data(kNew, 4)), Action::kWait, false,
          "10.0.0.2:6379"},
         {"where nothing is given up it says nothing", Data(kNew, 5), Starting(kB, Data(kNew, 5)),
          Action::kServeAsMaster, false, "10.0.0.2:6379"}});
}

TEST(DecideColdStartTest, TheOrderOfTheOthersMattersNot) {
  const std::vector<Dataset> data{kEmpty, Data(kOld, 100), Data(kOld, 50), Data(kNew, 5), Data(kForeign, 5)};
  for (const auto& own : data) {
    for (const auto& second : data) {
      for (const auto& third : data) {
        const Member b{.uuid = "b", .endpoint = kB, .node = "b", .dataset = second};
        const Member c{.uuid = "c", .endpoint = kC, .node = "c", .dataset = third};
        const auto decide = [&own](std::vector<Member> starting) {
          return DecideColdStart(
              {.self = kSelf, .own = own, .starting = std::move(starting), .history = kHistory},
              "nobody lives");
        };
        const auto one = decide({b, c});
        const auto other = decide({c, b});
        EXPECT_EQ(one.action, other.action) << one.reason << "; " << other.reason;
        EXPECT_EQ(one.disputed, other.disputed) << one.reason << "; " << other.reason;
      }
    }
  }
}

TEST(DecideColdStartTest, GoesAheadOfReplicasThatNoFailoverPromotesUnlessTheirDataAreBetter) {
  using redis::kNoMasterKnown;
  using redis::ServerInfo;
  const auto replica = [](const char* id, std::int64_t offset, std::int64_t data_offset) {
    return ServerInfo{.role = redis::Role::kReplica,
                      .keys = 5,
                      .replication_id = id,
                      .offset = offset,
                      .data_offset = data_offset,
                      .priority = 0};
  };
  ServerInfo empty = replica(kForeign, kNoMasterKnown, 0);
  empty.keys = 0;
  ServerInfo promotable = replica(kNew, 500, 500);
  promotable.priority = 100;
  struct ReserveRow {
    const char* name;
    Dataset own;
    ServerInfo living;
    Dataset found;  // on its disk, when it started
    bool waits;
    std::string force_master{};
    bool append_only = false;
  };
  for (const auto& [name, own, living, found, waits, force_master, append_only] :
       std::initializer_list<ReserveRow>{
           {"a backup with all data", Data(kNew, 500), replica(kNew, 500, 500), kEmpty, false},
           {"one that got heartbeats more", Data(kNew, 500), replica(kNew, 3000, 3000), kEmpty, false, "",
            true},
           {"one that got more than heartbeats", Data(kNew, 500), replica(kNew, 9000, 9000), kEmpty, true, "",
            true},
           {"one that got a write more than the snapshot", Data(kNew, 500), replica(kNew, 520, 520), kEmpty,
            true},
           {"one that is behind", Data(kNew, 500), replica(kNew, 400, 400), kEmpty, false},
           {"of an earlier chapter", Data(kNew, 1), replica(kOld, 99, 99), kEmpty, false},
           {"of a later chapter", Data(kOld, 99), replica(kNew, 1, 1), kEmpty, true},
           {"of another origin", Data(kNew, 500), replica(kForeign, 500, 500), kEmpty, true},
           {"this node is empty", kEmpty, replica(kNew, 500, 500), kEmpty, true},
           {"both are empty", kEmpty, empty, kEmpty, false},
           {"without a copy", Data(kNew, 500), empty, kEmpty, false},
           {"without a copy, since it could not load another", Data(kNew, 500), empty, Data(kNew, 600),
            false},
           {"its old copy, while a new one was on its way", Data(kNew, 500),
            replica(kNew, kNoMasterKnown, 450), kEmpty, false},
           {"the same, and better", Data(kNew, 400), replica(kNew, kNoMasterKnown, 450), kEmpty, true},
           {"what it loaded from its disk", Data(kNew, 500), replica(kForeign, kNoMasterKnown, 0),
            Data(kNew, 450), false},
           {"the same, and better", Data(kNew, 400), replica(kForeign, kNoMasterKnown, 0), Data(kNew, 450),
            true},
           {"a part of its first copy", Data(kNew, 500), replica(kForeign, kNoMasterKnown, 0), kEmpty, false},
           {"a part of its first copy is better than nothing", kEmpty, replica(kForeign, kNoMasterKnown, 0),
            kEmpty, true},
           {"a person chose this node", Data(kNew, 400), replica(kNew, 500, 500), kEmpty, false,
            "10.0.0.1:6379"},
           {"a person chose another", Data(kNew, 400), replica(kNew, 500, 500), kEmpty, true,
            "10.0.0.2:6379"},
           {"those that can be promoted are not its matter", Data(kNew, 400), promotable, kEmpty, false}}) {
    const auto decision = DecideColdStart({.self = kSelf,
                                           .living = {{kB, living}},
                                           .found_by_living = {{kB, found}},
                                           .own = own,
                                           .own_append_only = append_only,
                                           .history = kHistory,
                                           .force_master = force_master},
                                          "nobody lives");
    EXPECT_EQ(decision.action, waits ? Action::kWait : Action::kServeAsMaster) << name << decision.reason;
    EXPECT_EQ(decision.disputed, waits) << name << ": " << decision.reason;
    if (!waits) continue;
    for (const char* part : {"10.0.0.2:6379", "replica-priority", "FORCE_MASTER=10.0.0.1:6379"})
      EXPECT_NE(decision.reason.find(part), std::string::npos) << decision.reason;
  }
}

TEST(DecideColdStartTest, AServerThatHangsKeepsWhatItHolds) {
  struct HangingRow {
    const char* name;
    Dataset own;
    Dataset hanging;
    bool waits;
    std::string force_master{};
  };
  for (const auto& [name, own, hanging, waits, force_master] : std::initializer_list<HangingRow>{
           {"this node is empty", kEmpty, Data(kNew, 500), true},
           {"both are empty", kEmpty, kEmpty, false},
           {"it holds nothing", Data(kNew, 500), kEmpty, false},
           {"it holds more", Data(kNew, 400), Data(kNew, 500), true},
           {"it holds no more", Data(kNew, 500), Data(kNew, 500), false},
           {"it holds a little more, which may be writes", Data(kNew, 500), Data(kNew, 520), true},
           {"of an earlier chapter", Data(kNew, 1), Data(kOld, 99), false},
           {"of a later chapter", Data(kOld, 99), Data(kNew, 1), true},
           {"of another origin", Data(kNew, 500), Data(kForeign, 1), true},
           {"a person gives it up", kEmpty, Data(kNew, 500), false, "10.0.0.1:6379"}}) {
    const auto decision = DecideColdStart({.self = kSelf,
                                           .hanging = {{kB, hanging}},
                                           .own = own,
                                           .own_append_only = true,
                                           .history = kHistory,
                                           .force_master = force_master},
                                          "nobody lives");
    EXPECT_EQ(decision.action, waits ? Action::kWait : Action::kServeAsMaster) << name << decision.reason;
    EXPECT_EQ(decision.needs_person, waits) << name << ": " << decision.reason;
    EXPECT_EQ(decision.disputed, waits) << name << ": its own data stay known meanwhile";
    if (!waits) continue;
    for (const char* part :
         {"10.0.0.2:6379", "a restart of its redis-wrapper keeps", "FORCE_MASTER=10.0.0.1:6379"})
      EXPECT_NE(decision.reason.find(part), std::string::npos) << decision.reason;
  }
}

TEST(DecideColdStartTest, WhatHangsIsToldBeforeWhatIsAbsent) {
  View view{.self = kSelf,
            .hanging = {{kB, Data(kNew, 9)}},
            .own = kEmpty,
            .awaited = {{.node = "x", .endpoint = kC, .dataset = Data(kNew, 5)}},
            .history = kHistory};
  for (const bool patient : {true, false}) {
    view.patient = patient;
    EXPECT_EQ(DecideColdStart(view, "nobody lives").wait, "hanging-member");
  }
  view.patient = true;
  view.force_master = "10.0.0.1:6379";
  EXPECT_EQ(DecideColdStart(view, "nobody lives").wait, "missing-data") << "which was not given up";
}

TEST(DecideColdStartTest, WaitsForTheAbsentAsLongAsItIsPatient) {
  const KnownDataset absent{.node = "x", .endpoint = kC, .dataset = Data(kNew, 9)};
  for (const auto& own : {kEmpty, Data(kNew, 5)}) {
    View view{.self = kSelf, .own = own, .awaited = {absent}, .history = kHistory};
    auto decision = DecideColdStart(view, "nobody lives");
    EXPECT_EQ(decision.action, Action::kWait);
    EXPECT_TRUE(decision.awaits_datasets);
    EXPECT_NE(decision.reason.find("10.0.0.3:6379"), std::string::npos) << decision.reason;
    view.patient = false;
    decision = DecideColdStart(view, "nobody lives");
    EXPECT_EQ(decision.action, Action::kServeAsMaster);
    EXPECT_NE(decision.reason.find("10.0.0.3:6379"), std::string::npos) << "what is given up is said";
  }
}

// Of any set of nodes with comparable data, each of which sees the others, exactly the best may begin.
TEST(DecideColdStartTest, NeverWipesBetterDataWhoeverAsks) {
  const std::vector<Dataset> kinds{kEmpty, Data(kOld, 1), Data(kOld, 2), Data(kNew, 1), Data(kNew, 2)};
  const auto rank = [&kinds](const Dataset& dataset) {
    return std::find(kinds.begin(), kinds.end(), dataset) - kinds.begin();
  };
  for (const auto& a : kinds) {
    for (const auto& b : kinds) {
      for (const auto& c : kinds) {
        const View view{.self = kSelf,
                        .own = a,
                        .starting = {{.endpoint = kB, .dataset = b}, {.endpoint = kC, .dataset = c}},
                        .history = kHistory};
        const bool best = rank(a) >= rank(b) && rank(a) >= rank(c);
        EXPECT_EQ(DecideColdStart(view, "").action == Action::kServeAsMaster, best)
            << rank(a) << rank(b) << rank(c);
      }
    }
  }
}

TEST(FindAwaitedTest, NamesThoseWhoMayHaveBetterData) {
  constexpr std::int64_t kAtTheEnd = 1'000'000;
  constexpr std::int64_t kLongBefore = 1;
  struct Absence {
    const char* name;
    std::vector<Member> present;
    Dataset known;
    std::int64_t reported_at;
    bool awaited;
  };
  const auto present = [](const Dataset& dataset) { return Starting(kB, dataset); };
  for (const auto& [name, here, known, reported_at, awaited] : std::initializer_list<Absence>{
           {"nobody here has data", present(kEmpty), Data(kOld, 1), kLongBefore, true},
           {"ahead of all", present(Data(kNew, 1)), Data(kNew, 2), kLongBefore, true},
           {"behind, and gone for long", present(Data(kNew, 2)), Data(kNew, 1), kLongBefore, false},
           {"behind when it reported, but lived to the end", present(Data(kNew, 2)), Data(kNew, 1), kAtTheEnd,
            true},
           {"an earlier chapter, gone for long", present(Data(kNew, 1)), Data(kOld, 9), kLongBefore, false},
           {"an earlier chapter when it reported, but lived to the end", present(Data(kNew, 1)),
            Data(kOld, 9), kAtTheEnd, true},
           {"a stranger that is gone for long", present(Data(kNew, 1)), Data(kForeign, 9), kLongBefore,
            false},
           {"a stranger that was here a moment ago", present(Data(kNew, 1)), Data(kForeign, 9), kAtTheEnd,
            true},
           {"it had no data", present(kEmpty), kEmpty, kAtTheEnd, false},
       }) {
    const std::vector<KnownDataset> all{
        {.node = "x", .endpoint = kC, .dataset = known, .reported_at = reported_at},
        {.node = "n", .endpoint = kC, .dataset = Data(kNew, 99), .reported_at = kAtTheEnd}};
    const auto found = FindAwaited(all, here, kHistory);
    EXPECT_EQ(found.size(), awaited ? 1U : 0U) << name;
    for (const auto& each : found) EXPECT_EQ(each.node, "x") << name << ": who is here is not awaited";
  }
}

}  // namespace
}  // namespace redis_zk::testing::cold_start_test
