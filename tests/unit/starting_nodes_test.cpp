// Who begins anew where data cannot be loaded, or a node is not to be the master, and what is told of those
// that lose.
#include "redis-wrapper/starting_nodes.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "unit/cold_start_scene.h"

namespace redis_zk::testing::starting_nodes_test {
namespace {

using redis::LoadCause;
using redis_wrapper::DecideColdStart;
using redis_wrapper::Decision;
using redis_wrapper::FindAwaited;
using redis_wrapper::FindPromotableAbsent;
using redis_wrapper::View;
using store::Dataset;
using store::KnownDataset;
using Action = Decision::Action;

KnownDataset Failing(const char* node, const Endpoint& endpoint, const Dataset& dataset,
                     LoadCause cause = LoadCause::kDamaged) {
  return {.node = node,
          .endpoint = endpoint,
          .dataset = dataset,
          .failed = {.count = 3, .cause = cause, .last_exit = 7, .files = 1}};
}

TEST(DecideColdStartTest, TellsWhatIsGivenUpAndHowToHaveItAllTheSame) {
  const KnownDataset absent{.node = "x", .endpoint = kC, .dataset = Data(kNew, 9)};
  const KnownDataset as_good{.node = "x", .endpoint = kC, .dataset = Data(kNew, 5)};
  const auto failing = Failing("n", kB, Data(kNew, 9));
  const auto newer = Failing("n", kB, Data(kNew, 9), LoadCause::kNewerFormat);
  const auto unknown = Failing("n", kB, Data(kNew, 9), LoadCause::kUnknown);
  KnownDataset begun = absent;
  begun.failed.begun = true;
  struct LossRow {
    const char* name;
    View view;
    std::vector<const char*> told;  // empty: nothing is given up
    bool advised = false;           // how files that are no good can be served
  };
  for (auto& [name, view, told, advised] : std::initializer_list<LossRow>{
           {"nobody else", {}, {}},
           {"an older one", {.starting = Starting(kB, Data(kNew, 4))}, {}},
           {"one that did not return", {.awaited = {absent}}, {"10.0.0.3:6379", "COLD_START_WAIT"}},
           {"one that did not return, and was no better", {.awaited = {as_good}}, {}},
           {"one whose end nobody told",
            {.awaited = {begun}},
            {"COLD_START_WAIT", "began to load them, and how that ended is unknown"}},
           {"one that fails, and is here",
            {.starting = Starting(kB, failing.dataset), .failing = {{"n", failing}}},
            {"10.0.0.2:6379", "3 times", "exit code 7", "redis-check-aof --fix"},
            true},
           {"one that fails, and is away",
            {.awaited = {failing}, .failing = {{"n", failing}}},
            {"10.0.0.2:6379", "3 times", "exit code 7", "FORCE_MASTER=10.0.0.2:6379"},
            true},
           {"one that fails, but has older data",
            {.awaited = {Failing("n", kB, Data(kNew, 4))},
            .failing = {{"n", Failing("n", kB, Data(kNew, 4))}}},
            {}},
           {"of a newer format",
            {.awaited = {newer}, .failing = {{"n", newer}}},
            {"version that wrote its files", "FORCE_MASTER=10.0.0.2:6379"},
            true},
           {"one that fails, and nobody knows why",
            {.awaited = {unknown}},
            {"10.0.0.2:6379", "3 times", "COLD_START_WAIT", "save the data directory"}},
           {"by force",
            {.starting = Starting(kB, Data(kNew, 9)), .force_master = "10.0.0.1:6379"},
            {"10.0.0.2:6379", "FORCE_MASTER=10.0.0.1:6379 selects"}},
           {"by force, over some heartbeats",
            {.starting = Starting(kB, Data(kNew, 6)), .force_master = "10.0.0.1:6379"},
            {"10.0.0.2:6379"}},
           {"by force, and whatever the absent may have",
            {.awaited = {as_good}, .force_master = "10.0.0.1:6379"},
            {"10.0.0.3:6379", "FORCE_MASTER=10.0.0.1:6379 selects"}}}) {
    View full = view;
    full.self = kSelf;
    full.own = Data(kNew, 5);
    full.patient = false;
    full.history = kHistory;
    const auto decision = DecideColdStart(full, "nobody lives");
    EXPECT_EQ(decision.action, Action::kServeAsMaster) << name << ": " << decision.reason;
    EXPECT_EQ(decision.given_up.empty(), told.empty()) << name << ": " << decision.given_up;
    for (const char* part : told)
      EXPECT_NE(decision.given_up.find(part), std::string::npos) << name << ": " << decision.given_up;
    EXPECT_EQ(decision.given_up.find("to serve them instead") != std::string::npos, advised)
        << name << ": nobody repairs what is not known to be damaged";
  }
}

TEST(DecideColdStartTest, ANodeThatFailsToLoadIsNotAwaited) {
  const auto failing = Failing("n", kB, Data(kNew, 9));
  View view{.self = kSelf,
            .own = Data(kNew, 5),
            .starting = Starting(kB, failing.dataset),
            .failing = {{"n", failing}},
            .history = kHistory};
  EXPECT_EQ(DecideColdStart(view, "").action, Action::kServeAsMaster) << "it is here";
  view.starting.clear();
  view.awaited = {failing};
  EXPECT_EQ(DecideColdStart(view, "").action, Action::kServeAsMaster) << "it is away";
  view.awaited.push_back({.node = "x", .endpoint = kC, .dataset = Data(kNew, 7)});
  EXPECT_EQ(DecideColdStart(view, "").wait, "missing-data") << "another one is awaited all the same";
  EXPECT_NE(DecideColdStart(view, "").reason.find("10.0.0.3:6379"), std::string::npos);
}

// That they are damaged does not make data of another origin the group's.
TEST(DecideColdStartTest, DataOfDifferentOriginNeedAPersonAlsoWhereOneOfThemFailsToLoad) {
  const auto failing = Failing("n", kB, Data(kNew, 9));
  for (const char* foreign : {kForeign, ""}) {
    View view{.self = kSelf, .own = Data(foreign, 5), .failing = {{"n", failing}}, .history = kHistory};
    EXPECT_EQ(DecideColdStart(view, "").wait, "unrelated-data") << "their node is away, and not awaited";
    view.awaited = {failing};
    EXPECT_EQ(DecideColdStart(view, "").wait, "unrelated-data");
    view.awaited.clear();
    view.starting = Starting(kB, failing.dataset);
    const auto decision = DecideColdStart(view, "");
    EXPECT_EQ(decision.wait, "unrelated-data");
    EXPECT_NE(decision.reason.find("10.0.0.2:6379"), std::string::npos) << decision.reason;
    view.force_master = "10.0.0.1:6379";
    EXPECT_EQ(DecideColdStart(view, "").action, Action::kServeAsMaster);
  }
}

// Whatever this node has: the word of a person is not forgotten because the node it names starts later.
TEST(DecideColdStartTest, TheNodeThatAPersonNamesIsAwaitedAndThenAPersonAsked) {
  struct ForcedRow {
    const char* name;
    View view;
    const char* way_out;
  };
  const auto failing = Failing("n", kB, Data(kNew, 9));
  for (const auto& [name, view, way_out] : std::initializer_list<ForcedRow>{
           {"not registered", {}, "start that node, or remove FORCE_MASTER"},
           {"not registered, and given up", {.failing = {{"n", failing}}}, "start that node"},
           {"not registered, and this node cannot load",
            {.node = "own", .failing = {{"own", failing}}},
            "start that node"},
           {"here, with better data of this node",
            {.starting = Starting(kB, Data(kNew, 4))},
            "on every node"},
           {"here, and given up",
            {.starting = Starting(kB, failing.dataset), .failing = {{"n", failing}}},
            "on every node"}}) {
    for (const auto& own : {kEmpty, Data(kNew, 5)}) {
      View full = view;
      // An empty node goes after any data without a word.
      if (own.empty() && !full.starting.empty() && full.failing.empty()) continue;
      full.self = kSelf;
      full.own = own;
      full.history = kHistory;
      full.force_master = "10.0.0.2:6379";
      auto decision = DecideColdStart(full, "");
      EXPECT_EQ(decision.wait, "forced-master") << name << ": " << decision.reason;
      EXPECT_TRUE(decision.awaits_datasets) << name << ": it is bounded";
      EXPECT_FALSE(decision.needs_person) << name << ": all may have been started at once";
      full.patient = false;
      decision = DecideColdStart(full, "");
      EXPECT_EQ(decision.wait, "forced-master") << name << ": " << decision.reason;
      EXPECT_TRUE(decision.needs_person) << name;
      EXPECT_NE(decision.reason.find(way_out), std::string::npos) << name << ": " << decision.reason;
    }
  }
  // It runs: what its state is worth decides.
  const View hanging{.self = kSelf,
                     .hanging = {{kB, Data(kNew, 9)}},
                     .own = Data(kNew, 5),
                     .history = kHistory,
                     .force_master = "10.0.0.2:6379"};
  EXPECT_EQ(DecideColdStart(hanging, "").wait, "hanging-member");
}

TEST(DecideColdStartTest, ALongLoadOfTheForcedNodeNeedsNoPerson) {
  View view{.self = kSelf,
            .own = Data(kNew, 5),
            .starting = Starting(kB, Data(kNew, 4)),
            .patient = false,
            .history = kHistory,
            .force_master = "10.0.0.2:6379"};
  EXPECT_TRUE(DecideColdStart(view, "").needs_person);
  view.starts = {{view.starting.front().node, {.begun = true}}};
  const auto decision = DecideColdStart(view, "");
  EXPECT_EQ(decision.wait, "forced-master") << decision.reason;
  EXPECT_FALSE(decision.needs_person) << decision.reason;
}

// What has been loaded is called by another id from then on.
TEST(DecideColdStartTest, AForcedIdIsAwaitedOnlyWhereAnAbsentNodeHasIt) {
  View view{.self = kSelf,
            .own = Data(kNew, 5),
            .patient = false,
            .history = kHistory,
            .force_master = std::string(kForeign).substr(0, 10)};
  EXPECT_EQ(DecideColdStart(view, "").action, Action::kServeAsMaster) << "it was carried out";
  view.promotable_absent = {{.node = "n", .endpoint = kB, .dataset = Data(kForeign, 7)}};
  EXPECT_EQ(DecideColdStart(view, "").wait, "forced-master");
}

TEST(DecideColdStartTest, NobodyBeginsEmptyInPlaceOfDataThatFailToLoad) {
  const auto failing = Failing("n", kB, Data(kNew, 9));
  for (const bool is_here : {false, true}) {
    View view{.self = kSelf, .failing = {{"n", failing}}, .patient = false, .history = kHistory};
    if (is_here) {
      view.starting = Starting(kB, failing.dataset);
    } else {
      view.awaited = {failing};
    }
    auto decision = DecideColdStart(view, "nobody lives");
    EXPECT_EQ(decision.wait, "data-unloadable") << decision.reason;
    EXPECT_TRUE(decision.needs_person);
    for (const char* part :
         {"10.0.0.2:6379", "exit code 7", "redis-check-aof --fix", "FORCE_MASTER=10.0.0.1:6379"})
      EXPECT_NE(decision.reason.find(part), std::string::npos) << decision.reason;
    view.force_master = "10.0.0.1:6379";
    decision = DecideColdStart(view, "nobody lives");
    EXPECT_EQ(decision.action, Action::kServeAsMaster) << "the way out that it names: " << decision.reason;
    EXPECT_NE(decision.given_up.find("10.0.0.2:6379"), std::string::npos) << decision.given_up;
  }
  const auto unknown = Failing("n", kB, Data(kNew, 9), LoadCause::kUnknown);
  EXPECT_FALSE(redis_wrapper::IsGivenUp(unknown.failed)) << "they may be intact";
  const View view{.self = kSelf, .awaited = {unknown}, .patient = false, .history = kHistory};
  const auto decision = DecideColdStart(view, "nobody lives");
  EXPECT_EQ(decision.wait, "data-unloadable");
  EXPECT_NE(decision.reason.find("only if they are lost for good"), std::string::npos) << decision.reason;
  // The node itself tries again, and of several the best.
  View own{.self = kB, .own = failing.dataset, .node = "n", .failing = {{"n", failing}}, .history = kHistory};
  EXPECT_EQ(DecideColdStart(own, "").action, Action::kServeAsMaster);
  own.starting = {{.endpoint = kC, .node = "m", .dataset = Data(kNew, 10)}};
  own.failing.emplace("m", Failing("m", kC, Data(kNew, 10)));
  EXPECT_EQ(DecideColdStart(own, "").wait, "better-data");
}

// What ended otherwise says nothing about the data: they are missed for COLD_START_WAIT, and never given up
// for nothing.
TEST(DecideColdStartTest, DataThatCameToNothingOtherwiseAreAwaitedButNotReplacedByNothing) {
  struct TriedRow {
    const char* name;
    store::FailedLoads failed;
  };
  for (const auto& [name, failed] : std::initializer_list<TriedRow>{
           {"its module is missing, or its port is taken", {.last_exit = 1}},
           {"killed", {.last_exit = 137}},
           {"its wrapper died with it", {.begun = true}},
           {"two failed loads", {.count = 2, .cause = LoadCause::kDamaged, .last_exit = 1}}}) {
    const KnownDataset known{.node = "n", .endpoint = kB, .dataset = Data(kNew, 9), .failed = failed};
    View view{.self = kSelf, .own = Data(kNew, 5), .awaited = {known}, .history = kHistory};
    EXPECT_EQ(DecideColdStart(view, "").wait, "missing-data") << name;
    view.own = kEmpty;
    EXPECT_EQ(DecideColdStart(view, "").wait, "missing-data") << name;
    view.patient = false;
    auto decision = DecideColdStart(view, "");
    EXPECT_EQ(decision.wait, "data-unloadable") << name;
    EXPECT_TRUE(decision.needs_person) << name;
    EXPECT_EQ(decision.reason.find("redis-check") != std::string::npos, failed.count > 0) << decision.reason;
    EXPECT_NE(decision.reason.find("FORCE_MASTER=10.0.0.1:6379"), std::string::npos)
        << "the node may be gone for good: " << decision.reason;
    view.force_master = "10.0.0.1:6379";
    EXPECT_EQ(DecideColdStart(view, "").action, Action::kServeAsMaster) << name;
    view.own = Data(kNew, 5);
    view.force_master.clear();
    decision = DecideColdStart(view, "");
    EXPECT_EQ(decision.action, Action::kServeAsMaster) << name << ": COLD_START_WAIT is over";
    EXPECT_NE(decision.given_up.find("10.0.0.2:6379"), std::string::npos) << decision.given_up;
  }
}

// What is here and ends again and again proves nothing against its data, and nobody waits for it in silence.
TEST(DecideColdStartTest, ANodeThatDoesNotComeToServeIsNamedAndInTheEndAPersonAsked) {
  for (const std::int64_t ends : {0, 1, 4, 5, 50}) {
    View view{
        .self = kSelf, .own = Data(kNew, 5), .starting = Starting(kB, Data(kNew, 9)), .history = kHistory};
    if (ends > 0) view.starts["n"] = {.last_exit = 137, .ends = ends};
    const auto decision = DecideColdStart(view, "");
    EXPECT_EQ(decision.wait, "better-data") << ends;
    EXPECT_EQ(decision.reason.find("last exit code 137") != std::string::npos, ends > 0) << decision.reason;
    EXPECT_EQ(decision.needs_person, ends >= 5) << ends;
    EXPECT_EQ(decision.reason.find("FORCE_MASTER=10.0.0.1:6379") != std::string::npos, ends >= 5)
        << decision.reason;
  }
}

// It may go on by itself, and with it the data.
TEST(DecideColdStartTest, WhatHangsIsToldBeforeWhatOnlyAPersonBringsBack) {
  const auto failing = Failing("n", kB, Data(kNew, 4));
  const View empty{.self = kSelf, .awaited = {failing}, .failing = {{"n", failing}}};
  const View backup{.self = kSelf,
                    .own = Data(kNew, 5),
                    .priority = 0,
                    .promotable_absent = {{.node = "x", .endpoint = kB, .dataset = Data(kNew, 4)}}};
  for (View view : {empty, backup}) {
    view.patient = false;
    view.history = kHistory;
    EXPECT_TRUE(DecideColdStart(view, "").needs_person);
    view.hanging = {{kC, Data(kNew, 9)}};
    auto decision = DecideColdStart(view, "");
    EXPECT_EQ(decision.wait, "hanging-member") << decision.reason;
    EXPECT_FALSE(decision.awaits_start) << "when it is gone, its return is worth a wait of its own";
    view.force_master = "10.0.0.1:6379";
    decision = DecideColdStart(view, "");
    EXPECT_EQ(decision.action, Action::kServeAsMaster) << decision.reason;
    EXPECT_NE(decision.given_up.find("hanging server 10.0.0.3:6379"), std::string::npos) << decision.given_up;
    EXPECT_EQ(decision.given_up.find("10.0.0.2:6379") != std::string::npos, view.own.empty());
    view.hanging = {{kC, Data(kNew, 3)}};
    view.force_master.clear();
    decision = DecideColdStart(view, "");
    EXPECT_EQ(decision.wait == "hanging-member", view.own.empty()) << "it holds no more than this node";
  }
}

TEST(DecideColdStartTest, PriorityDecidesAmongEqualData) {
  struct Other {
    Dataset dataset;
    std::int64_t priority;
  };
  struct PriorityRow {
    const char* name;
    Dataset own;
    std::int64_t priority;
    std::vector<Other> others;
    const char* wait;  // empty: master
    std::vector<KnownDataset> promotable_absent{};
    bool patient = true;
    std::string force_master{};
    const char* says = "";
  };
  const auto data = Data(kNew, 5000);
  const auto more = Data(kNew, 5014);
  const std::vector<KnownDataset> absent{{.node = "x", .endpoint = kC, .dataset = Data(kNew, 4000)}};
  constexpr bool kImpatient = false;
  for (const auto& row : std::initializer_list<PriorityRow>{
           {"the lower one, empty", kEmpty, 10, {{kEmpty, 100}}, ""},
           {"the higher one, empty", kEmpty, 100, {{kEmpty, 10}}, "better-priority"},
           {"0 beside another, empty", kEmpty, 0, {{kEmpty, 100}}, "better-priority"},
           {"another beside 0, empty", kEmpty, 100, {{kEmpty, 0}}, ""},
           {"0 alone, empty", kEmpty, 0, {}, "promotable-node"},
           {"0 alone, empty, in the end", kEmpty, 0, {}, "", {}, kImpatient},
           {"all 0, empty", kEmpty, 0, {{kEmpty, 0}}, "", {}, kImpatient},
           {"the lower one", data, 10, {{data, 100}}, ""},
           {"the higher one", data, 100, {{data, 10}}, "better-priority"},
           {"the higher one, with better data", more, 100, {{data, 10}}, ""},
           {"the lower one, with older data", data, 10, {{more, 100}}, "better-data"},
           {"0 beside equal data", data, 0, {{data, 100}}, "better-priority"},
           {"equal data beside 0", data, 100, {{data, 0}}, ""},
           {"0 with more, beside a copy", more, 0, {{data, 100}}, "", {}, true, "", "hands over to 10.0.0.2"},
           {"the same, and others are away", more, 0, {{data, 100}}, "", absent, true, "", "hands over"},
           {"the copy waits for it", data, 100, {{more, 0}}, "better-data"},
           {"0 with more, beside another 0",
            more,
            0,
            {{data, 0}},
            "",
            {},
            true,
            "",
            "no other may be the master"},
           {"0 with all, beside an empty one", data, 0, {{kEmpty, 100}}, "", {}, true, "", "hands over"},
           {"the empty one waits for it", kEmpty, 100, {{data, 0}}, "better-data", {}, kImpatient},
           {"0 with all, beside an empty one, and others are away",
            data,
            0,
            {{kEmpty, 100}},
            "promotable-node",
            absent},
           {"the same, in the end", data, 0, {{kEmpty, 100}}, "", absent, kImpatient, "", "hands over"},
           {"0 alone in a group where nobody may be promoted",
            data,
            0,
            {},
            "",
            {},
            true,
            "",
            "no other may be the master"},
           {"0 alone, and others are away", data, 0, {}, "promotable-node", absent},
           {"the same, in the end", data, 0, {}, "priority-zero", absent, kImpatient},
           {"the same beside another 0", data, 0, {{data, 0}}, "priority-zero", absent, kImpatient},
           {"the same, and a person allows it",
            data,
            0,
            {},
            "",
            absent,
            true,
            "10.0.0.1:6379",
            "FORCE_MASTER"},
       }) {
    View view{.self = kSelf,
              .own = row.own,
              .priority = row.priority,
              .promotable_absent = row.promotable_absent,
              .patient = row.patient,
              .history = kHistory,
              .force_master = row.force_master};
    for (std::size_t i = 0; i < row.others.size(); ++i) {
      view.starting.push_back({.endpoint = i == 0 ? kB : kC,
                               .node = std::to_string(i),
                               .dataset = row.others[i].dataset,
                               .priority = row.others[i].priority});
    }
    const auto decision = DecideColdStart(view, "nobody lives");
    EXPECT_EQ(decision.wait, row.wait) << row.name << ": " << decision.reason;
    EXPECT_EQ(decision.needs_person, std::string(row.wait) == "priority-zero") << row.name;
    EXPECT_EQ(decision.awaits_datasets, std::string(row.wait) == "promotable-node") << row.name;
    EXPECT_NE(decision.reason.find(row.says), std::string::npos) << row.name << ": " << decision.reason;
    if (decision.needs_person) {
      for (const char* part : {"FORCE_MASTER=10.0.0.1:6379", "10.0.0.3:6379"})
        EXPECT_NE(decision.reason.find(part), std::string::npos) << decision.reason;
    }
    EXPECT_EQ(decision.given_up, "") << row.name;
  }
}

TEST(DecideColdStartTest, AMasterOfPriorityZeroReturnsWhereverItIs) {
  const View alone{.self = kSelf,
                   .own = Data(kNew, 5),
                   .node = "a",
                   .priority = 0,
                   .promotable_absent = {{.node = "x", .endpoint = kC, .dataset = Data(kNew, 4)}},
                   .patient = false,
                   .history = kHistory};
  EXPECT_EQ(DecideColdStart(alone, "").wait, "priority-zero");
  View at_its_address = alone;
  at_its_address.record = {.state = store::Record::State::kMaster, .master = kSelf};
  View elsewhere = alone;
  elsewhere.history.node = "a";
  for (const auto& view : {at_its_address, elsewhere}) {
    const auto decision = DecideColdStart(view, "");
    EXPECT_EQ(decision.action, Action::kServeAsMaster) << decision.reason;
    EXPECT_NE(decision.reason.find("it was the master"), std::string::npos) << decision.reason;
  }
  View in_its_place = at_its_address;
  in_its_place.history.node = "b";
  EXPECT_EQ(DecideColdStart(in_its_place, "").wait, "priority-zero") << "an address is no identity";
}

// Whoever they are, one of them begins; where something else has a say, a person is asked at least.
TEST(DecideColdStartTest, NodesNeverWaitForEachOther) {
  struct Kind {
    Dataset dataset;
    std::int64_t priority;
    bool fails;
  };
  std::vector<Kind> kinds;
  for (const std::int64_t priority : {0, 10, 100}) {
    kinds.push_back({kEmpty, priority, false});
    for (const std::int64_t offset : {5000, 5014, 9999})
      kinds.push_back({Data(kNew, offset), priority, false});
    kinds.push_back({Data(kNew, 9999), priority, true});
  }
  const std::vector<Endpoint> places{kSelf, kB, kC};
  struct Beside {
    bool to_all;  // one of them begins
    View view;
  };
  const KnownDataset absent{.node = "x", .endpoint = {"10.0.0.8", 6379}, .dataset = Data(kNew, 4000)};
  const std::initializer_list<Beside> besides{
      {true, {}},
      {true, {.force_master = "10.0.0.2:6379"}},
      {false, {.force_master = "10.0.0.9:6379"}},
      {false, {.promotable_absent = {absent}}},
      {false, {.promotable_absent = {absent}, .force_master = "10.0.0.2:6379"}},
      {false, {.hanging = {{absent.endpoint, Data(kNew, 6000)}}}},
      {false, {.hanging = {{absent.endpoint, Data(kForeign, 6000)}}}}};
  const auto decide = [&](const std::vector<const Kind*>& all, std::size_t self, const View& beside) {
    View view = beside;
    view.self = places[self];
    view.own = all[self]->dataset;
    view.node = std::to_string(self);
    view.priority = all[self]->priority;
    view.patient = false;
    view.history = kHistory;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::string node = std::to_string(i);
      if (all[i]->fails) view.failing.emplace(node, Failing(node.c_str(), places[i], all[i]->dataset));
      if (i != self)
        view.starting.push_back(
            {.endpoint = places[i], .node = node, .dataset = all[i]->dataset, .priority = all[i]->priority});
    }
    return DecideColdStart(view, "");
  };
  for (const auto& a : kinds) {
    for (const auto& b : kinds) {
      for (const auto& c : kinds) {
        const std::vector<const Kind*> all{&a, &b, &c};
        for (const auto& [to_all, view] : besides) {
          bool goes_on = false;
          for (std::size_t self = 0; self < all.size(); ++self) {
            const auto decision = decide(all, self, view);
            goes_on =
                goes_on || decision.action == Action::kServeAsMaster || (!to_all && decision.needs_person);
          }
          ASSERT_TRUE(goes_on) << a.dataset.offset << '/' << a.priority << ' ' << b.dataset.offset << '/'
                               << b.priority << ' ' << c.dataset.offset << '/' << c.priority << ' '
                               << view.force_master << view.hanging.size() << view.promotable_absent.size();
        }
      }
    }
  }
}

TEST(FindAwaitedTest, AStartThatCameToNothingIsNoSignThatTheDataAreNewer) {
  KnownDataset away{.node = "x", .endpoint = kC, .dataset = Data(kNew, 4), .reported_at = 2'000'000};
  const auto awaited = [&] { return FindAwaited({away}, Starting(kB, Data(kNew, 5)), kHistory).size(); };
  EXPECT_EQ(awaited(), 1U) << "it may have written on";
  away.failed.last_exit = 78;
  EXPECT_EQ(awaited(), 1U) << "nobody has looked at its disk";
  away.failed.files = 1;
  EXPECT_EQ(awaited(), 0U) << "its wrapper told what is on its disk";
  away.failed.begun = true;
  EXPECT_EQ(awaited(), 1U) << "it may have served";
}

TEST(FindAwaitedTest, DataThatFailToLoadReplaceNobodys) {
  const auto here = Failing("n", kB, Data(kNew, 9));
  const KnownDataset away{.node = "x", .endpoint = kC, .dataset = Data(kNew, 5), .reported_at = 1};
  EXPECT_EQ(FindAwaited({here, away}, Starting(kB, here.dataset), kHistory).size(), 1U);
}

TEST(FindPromotableAbsentTest, LeavesOutWhoIsHereAndWhoMayNotOrCannot) {
  const auto of = [](const char* node, std::int64_t priority, const Dataset& dataset) {
    return KnownDataset{.node = node, .endpoint = kC, .dataset = dataset, .priority = priority};
  };
  const auto found = FindPromotableAbsent(
      {of("n", 100, Data(kNew, 1)), of("zero", 0, Data(kNew, 1)), of("empty", 100, kEmpty),
       Failing("damaged", kC, Data(kNew, 1)), of("away", 10, Data(kOld, 1))},
      Starting(kB, kEmpty));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front().node, "away");
}

}  // namespace
}  // namespace redis_zk::testing::starting_nodes_test
