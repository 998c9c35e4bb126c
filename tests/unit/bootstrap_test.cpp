#include "redis-wrapper/bootstrap.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "redis-wrapper/follow.h"

namespace redis_zk::testing::bootstrap_test {
namespace {

using redis::Role;
using redis::ServerInfo;
using redis_wrapper::Decide;
using redis_wrapper::Decision;
using redis_wrapper::IsPassedOver;
using redis_wrapper::MissedMaster;
using redis_wrapper::Successor;
using redis_wrapper::View;
using sentinel::MajorityMaster;
using sentinel::SentinelReport;
using store::Record;
using Action = Decision::Action;
using State = Record::State;
using Living = std::map<Endpoint, ServerInfo>;

const Endpoint kSelf{"10.0.0.1", 6379};
const Endpoint kB{"10.0.0.2", 6379};
const Endpoint kC{"10.0.0.3", 6379};
const Endpoint kD{"10.0.0.4", 6379};

const ServerInfo kEmptyMaster{.role = Role::kMaster};
const ServerInfo kFullMaster{.role = Role::kMaster, .keys = 5};
const ServerInfo kEmptyReplica{.role = Role::kReplica};
const ServerInfo kFullReplica{.role = Role::kReplica, .keys = 5};

// What no failover promotes: with data as far as those that DataOf gives this node, further, and none.
constexpr const char* kId = "aaaaaaaa00000000000000000000000000000000";
const ServerInfo kEmptyReserve{.role = Role::kReplica, .offset = redis::kNoMasterKnown, .priority = 0};
const ServerInfo kEqualReserve{
    .role = Role::kReplica, .keys = 5, .replication_id = kId, .offset = 100, .priority = 0};
const ServerInfo kNewerReserve{
    .role = Role::kReplica, .keys = 5, .replication_id = kId, .offset = 150, .priority = 0};

const Record kNobody{};
const Record kGarbage{.state = State::kUnreadable, .found = "garbage"};
Record Names(const Endpoint& master) {
  return {.state = State::kMaster, .master = master, .lineage_fits = true};
}

// What a majority of three Sentinels says.
std::optional<MajorityMaster> Say(const Endpoint& master) { return MajorityMaster{master, 1, 2}; }
const std::optional<MajorityMaster> kDisagree{};

std::string Describe(const View& view) {
  std::string text = "record: ";
  text += view.record.state == State::kNone         ? "none"
          : view.record.state == State::kUnreadable ? "unreadable"
                                                    : view.record.master.ToAddress();
  text += "; " + std::to_string(view.sentinels_answering) + " Sentinels answer, their majority: ";
  text += view.sentinels_say ? view.sentinels_say->master.ToAddress() : "none";
  for (const auto& [endpoint, info] : view.living) {
    text += "; " + endpoint.ToAddress() + (info.role == Role::kMaster ? " master" : " replica") + " with " +
            std::to_string(info.keys) + " keys" + (info.loading ? ", loading" : "");
  }
  text += "; own offset " + std::to_string(view.own.offset);
  for (const auto& member : view.starting)
    text += "; starting " + member.dataset.replication_id + " " + std::to_string(member.dataset.offset);
  text += view.silent.empty() ? "" : "; one silent";
  text += view.awaited.empty() ? "" : view.patient ? "; one awaited" : "; one given up";
  return text;
}

struct Row {
  const char* name;
  Record record;
  std::optional<MajorityMaster> sentinels_say;
  Living living;
  Action action;
  Endpoint master{};
  bool needs_lock = false;
  bool ask_failover = false;
};

void Check(std::initializer_list<Row> rows) {
  for (const auto& row : rows) {
    const View view{.self = kSelf,
                    .record = row.record,
                    .sentinels_say = row.sentinels_say,
                    .sentinels_answering = row.sentinels_say ? 2U : 0U,
                    .living = row.living};
    const auto decision = Decide(view);
    EXPECT_EQ(decision.action, row.action) << row.name << ": " << decision.reason;
    EXPECT_EQ(decision.master, row.master) << row.name << ": " << decision.reason;
    EXPECT_EQ(decision.needs_lock, row.needs_lock) << row.name << ": " << decision.reason;
    EXPECT_EQ(decision.ask_failover, row.ask_failover) << row.name << ": " << decision.reason;
    EXPECT_EQ(decision.wait.empty(), row.action != Action::kWait) << row.name << ": a wait has a name";
  }
}

constexpr bool kLock = true;
constexpr bool kNoLock = false;
constexpr bool kAskFailover = true;

TEST(DecideTest, AMemberThatRefusesThisNodeIsForAPerson) {
  const Error password{ErrorKind::kRefused, "10.0.0.2:6379 refused the password: WRONGPASS"};
  const std::map<Endpoint, Error> refusing{{kB, password}};
  struct Refusal {
    const char* name;
    View view;
    const char* wait;
    bool needs_person;
  };
  for (const auto& row : std::initializer_list<Refusal>{
           {"the recorded master",
            {.self = kSelf, .record = Names(kB), .silent = {kB}, .refusing = refusing},
            "credentials",
            true},
           {"the recorded master, which Sentinels see",
            {.self = kSelf,
            .record = Names(kB),
            .sentinels_answering = 2,
            .sentinels_seeing_master = 2,
            .silent = {kB},
            .refusing = refusing},
            "credentials",
            true},
           {"the recorded master, which is not registered, outside the trusted networks",
            {.self = kSelf,
            .record = Names(kB),
            .refusing = {{kB,
                          {ErrorKind::kRefused, "10.0.0.2:6379 is outside TRUSTED_NETWORKS",
                           Cause::kTrustedNetworks}}},
            .patient = false},
            "trusted-networks",
            true},
           {"the same, and another node acts as master",
            {.self = kSelf,
            .record = Names(kB),
            .living = {{kC, kFullMaster}},
            .refusing = {{kB,
                          {ErrorKind::kRefused, "10.0.0.2:6379 is outside TRUSTED_NETWORKS",
                           Cause::kTrustedNetworks}}}},
            "unnamed-master",
            false},
           {"a replica, where this node is recorded",
            {.self = kSelf, .record = Names(kSelf), .silent = {kB}, .refusing = refusing},
            "credentials",
            true},
           {"one of two replicas, and Sentinel can promote the other",
            {.self = kSelf,
            .record = Names(kSelf),
            .sentinels_answering = 2,
            .living = {{kC, kFullReplica}},
            .silent = {kB},
            .refusing = refusing},
            "failover",
            false}}) {
    const auto decision = Decide(row.view);
    EXPECT_EQ(decision.wait, row.wait) << row.name << ": " << decision.reason;
    EXPECT_EQ(decision.needs_person, row.needs_person) << row.name << ": " << decision.reason;
  }
}

TEST(DecideTest, NobodyIsRecorded) {
  Check(
      {{"first of all", kNobody, kDisagree, {}, Action::kServeAsMaster, {}, kLock},
       {"empty replica", kNobody, kDisagree, {{kB, kEmptyReplica}}, Action::kServeAsMaster, {}, kLock},
       {"replica with data", kNobody, kDisagree, {{kB, kFullReplica}}, Action::kWait},
       {"one replica of two with data",
        kNobody,
        kDisagree,
        {{kB, kEmptyReplica}, {kC, kFullReplica}},
        Action::kWait},
       {"empty master", kNobody, kDisagree, {{kB, kEmptyMaster}}, Action::kFollow, kB, kLock},
       {"master with data", kNobody, kDisagree, {{kB, kFullMaster}}, Action::kFollow, kB, kLock},
       {"master and its replica",
        kNobody,
        kDisagree,
        {{kB, kFullReplica}, {kC, kFullMaster}},
        Action::kFollow,
        kC,
        kLock},
       {"two masters", kNobody, kDisagree, {{kB, kFullMaster}, {kC, kFullMaster}}, Action::kWait},
       {"two masters, one empty", kNobody, kDisagree, {{kB, kEmptyMaster}, {kC, kFullMaster}}, Action::kWait},
       {"Sentinels name a master", kNobody, Say(kB), {{kB, kFullMaster}}, Action::kFollow, kB},
       {"Sentinels choose between two",
        kNobody,
        Say(kC),
        {{kB, kFullMaster}, {kC, kFullMaster}},
        Action::kFollow,
        kC},
       {"Sentinels name the silent", kNobody, Say(kB), {{kC, kFullReplica}}, Action::kWait},
       {"Sentinels name a replica", kNobody, Say(kB), {{kB, kFullReplica}}, Action::kWait},
       {"Sentinels name this node", kNobody, Say(kSelf), {}, Action::kServeAsMaster, {}, kLock},
       {"Sentinels name this node, a replica has the data",
        kNobody,
        Say(kSelf),
        {{kB, kFullReplica}},
        Action::kWait,
        {},
        kNoLock,
        kAskFailover}});
}

TEST(DecideTest, AnotherIsRecordedAndAnswersAsMaster) {
  Check(
      {{"ordinary start of a replica", Names(kB), kDisagree, {{kB, kFullMaster}}, Action::kFollow, kB},
       {"empty", Names(kB), kDisagree, {{kB, kEmptyMaster}}, Action::kFollow, kB},
       {"although Sentinels name another",
        Names(kB),
        Say(kC),
        {{kB, kFullMaster}, {kC, kFullMaster}},
        Action::kFollow,
        kB},
       {"although Sentinels name this node", Names(kB), Say(kSelf), {{kB, kFullMaster}}, Action::kFollow, kB},
       {"although another acts as master",
        Names(kB),
        kDisagree,
        {{kB, kEmptyMaster}, {kC, kFullMaster}},
        Action::kFollow,
        kB}});
}

TEST(DecideTest, AnotherIsRecordedAndAnswersAsReplica) {
  Check({{"Sentinels name its master",
          Names(kB),
          Say(kC),
          {{kB, kFullReplica}, {kC, kFullMaster}},
          Action::kFollow,
          kC},
         {"Sentinels name the silent", Names(kB), Say(kC), {{kB, kFullReplica}}, Action::kWait},
         {"Sentinels name a replica, too",
          Names(kB),
          Say(kC),
          {{kB, kFullReplica}, {kC, kFullReplica}},
          Action::kWait},
         {"Sentinels name it as well", Names(kB), Say(kB), {{kB, kFullReplica}}, Action::kWait},
         {"Sentinels disagree", Names(kB), kDisagree, {{kB, kFullReplica}, {kC, kFullMaster}}, Action::kWait},
         {"empty, and Sentinels disagree", Names(kB), kDisagree, {{kB, kEmptyReplica}}, Action::kWait},
         {"Sentinels name this node, it holds the data",
          Names(kB),
          Say(kSelf),
          {{kB, kFullReplica}},
          Action::kWait,
          {},
          kNoLock,
          kAskFailover},
         {"Sentinels name this node, it is empty",
          Names(kB),
          Say(kSelf),
          {{kB, kEmptyReplica}},
          Action::kServeAsMaster,
          {},
          kLock}});
}

TEST(DecideTest, AnotherIsRecordedAndSilent) {
  Check({{"Sentinels have switched", Names(kB), Say(kC), {{kC, kFullMaster}}, Action::kFollow, kC},
         {"Sentinels have not switched yet", Names(kB), Say(kB), {{kC, kFullReplica}}, Action::kWait},
         {"Sentinels name the silent, and nothing lives",
          Names(kB),
          Say(kC),
          {},
          Action::kServeAsMaster,
          {},
          kLock},
         {"Sentinels disagree", Names(kB), kDisagree, {{kC, kFullReplica}}, Action::kWait},
         {"Sentinels name this node", Names(kB), Say(kSelf), {}, Action::kServeAsMaster, {}, kLock},
         {"Sentinels name this node, a replica has the data",
          Names(kB),
          Say(kSelf),
          {{kC, kFullReplica}},
          Action::kWait,
          {},
          kNoLock,
          kAskFailover}});
}

TEST(DecideTest, ThisNodeIsRecorded) {
  Check({{"alone", Names(kSelf), kDisagree, {}, Action::kServeAsMaster, {}, kLock},
         {"Sentinels say so, too", Names(kSelf), Say(kSelf), {}, Action::kServeAsMaster, {}, kLock},
         {"empty replicas",
          Names(kSelf),
          Say(kSelf),
          {{kB, kEmptyReplica}, {kC, kEmptyReplica}},
          Action::kServeAsMaster,
          {},
          kLock},
         {"replica with data",
          Names(kSelf),
          Say(kSelf),
          {{kB, kFullReplica}},
          Action::kWait,
          {},
          kNoLock,
          kAskFailover},
         {"replica with data, Sentinels disagree",
          Names(kSelf),
          kDisagree,
          {{kB, kEmptyReplica}, {kC, kFullReplica}},
          Action::kWait,
          {},
          kNoLock,
          kAskFailover},
         {"Sentinels name another", Names(kSelf), Say(kB), {{kB, kFullMaster}}, Action::kFollow, kB},
         {"Sentinels name another that is empty",
          Names(kSelf),
          Say(kB),
          {{kB, kEmptyMaster}},
          Action::kFollow,
          kB},
         {"Sentinels name the silent, and nothing lives",
          Names(kSelf),
          Say(kB),
          {},
          Action::kServeAsMaster,
          {},
          kLock},
         {"Sentinels name a replica", Names(kSelf), Say(kB), {{kB, kFullReplica}}, Action::kWait}});
}

TEST(DecideTest, TheRecordIsUnreadable) {
  Check({{"nothing lives", kGarbage, kDisagree, {}, Action::kServeAsMaster, {}, kLock},
         {"empty replica lives", kGarbage, kDisagree, {{kB, kEmptyReplica}}, Action::kWait},
         {"replica with data", kGarbage, kDisagree, {{kB, kFullReplica}}, Action::kWait},
         {"acting master", kGarbage, kDisagree, {{kB, kFullMaster}}, Action::kFollow, kB, kLock},
         {"two acting masters", kGarbage, kDisagree, {{kB, kFullMaster}, {kC, kFullMaster}}, Action::kWait},
         {"Sentinels name a master", kGarbage, Say(kB), {{kB, kFullMaster}}, Action::kFollow, kB},
         {"Sentinels name the silent, and nothing lives",
          kGarbage,
          Say(kB),
          {},
          Action::kServeAsMaster,
          {},
          kLock},
         {"Sentinels name this node", kGarbage, Say(kSelf), {}, Action::kServeAsMaster, {}, kLock}});
  const View disagreeing{.self = kSelf, .record = kGarbage, .sentinels_answering = 1};
  EXPECT_EQ(Decide(disagreeing).action, Action::kWait) << "a living Sentinel knows better";
}

// Every row is about a group of which nothing answers; each has one sign that somebody may live all the same.
TEST(DecideTest, SignsOfLifeKeepAColdStartBack) {
  Record stranger = Names(kB);
  stranger.lineage_fits = false;
  struct SignRow {
    const char* name;
    View view;
    Action action;
  };
  for (const auto& [name, view, action] : std::initializer_list<SignRow>{
           {"none", {.self = kSelf, .record = Names(kB)}, Action::kServeAsMaster},
           {"the recorded master is registered",
            {.self = kSelf, .record = Names(kB), .silent = {kB}},
            Action::kWait},
           {"another is registered", {.self = kSelf, .record = Names(kB), .silent = {kC}}, Action::kWait},
           {"a Sentinel sees the recorded master",
            {.self = kSelf, .record = Names(kB), .sentinels_answering = 1, .sentinels_seeing_master = 1},
            Action::kWait},
           {"Sentinels live, and see nobody",
            {.self = kSelf, .record = Names(kB), .sentinels_answering = 3},
            Action::kServeAsMaster},
           {"a stranger was recorded", {.self = kSelf, .record = stranger}, Action::kWait},
           {"a stranger was recorded, and patience is over",
            {.self = kSelf, .record = stranger, .patient = false},
            Action::kServeAsMaster},
           {"this node is recorded, another is registered",
            {.self = kSelf, .record = Names(kSelf), .silent = {kB}},
            Action::kWait},
           {"nobody is recorded, another is registered", {.self = kSelf, .silent = {kB}}, Action::kWait},
           {"an empty replica lives, no Sentinel does",
            {.self = kSelf, .record = Names(kB), .living = {{kC, kEmptyReplica}}},
            Action::kServeAsMaster},
           {"an empty replica lives, and a Sentinel that can promote it",
            {.self = kSelf, .record = Names(kB), .sentinels_answering = 1, .living = {{kC, kEmptyReplica}}},
            Action::kWait},
           {"an empty replica lives that no Sentinel can promote",
            {.self = kSelf, .record = Names(kB), .sentinels_answering = 1, .living = {{kC, kEmptyReserve}}},
            Action::kServeAsMaster},
           {"the same, and another that Sentinels can promote",
            {.self = kSelf,
            .record = Names(kB),
            .sentinels_answering = 1,
            .living = {{kC, kEmptyReserve}, {kD, kEmptyReplica}}},
            Action::kWait},
           {"this node is recorded, and a replica without a copy lives",
            {.self = kSelf,
            .record = Names(kSelf),
            .sentinels_answering = 3,
            .living = {{kC, kEmptyReserve}}},
            Action::kServeAsMaster},
           {"one that is loading may have a copy in a moment",
            {.self = kSelf,
            .record = Names(kSelf),
            .living = {{kC, {.role = Role::kReplica, .loading = true, .priority = 0}}}},
            Action::kWait},
           {"another acts as master",
            {.self = kSelf, .record = Names(kB), .living = {{kC, kEmptyMaster}}},
            Action::kWait}}) {
    const auto decision = Decide(view);
    EXPECT_EQ(decision.action, action) << name << ": " << decision.reason;
  }
}

TEST(DecideTest, AStrangerIsAsGoodAsSilentAndNamed) {
  const std::map<Endpoint, std::string> stranger{
      {kB, "that server does not belong to this group (replication id x)"}};
  struct StrangerRow {
    const char* name;
    View view;
    Action action;
    bool named;
  };
  for (const auto& [name, view, action, named] : std::initializer_list<StrangerRow>{
           {"at the recorded address",
            {.self = kSelf, .record = Names(kB), .strangers = stranger},
            Action::kServeAsMaster,
            true},
           {"although all Sentinels take it for the master",
            {.self = kSelf,
            .record = Names(kB),
            .sentinels_say = Say(kB),
            .sentinels_answering = 3,
            .strangers = stranger},
            Action::kServeAsMaster,
            true},
           {"named by the Sentinels alone",
            {.self = kSelf,
            .record = Names(kSelf),
            .sentinels_say = Say(kB),
            .sentinels_answering = 3,
            .strangers = stranger},
            Action::kServeAsMaster,
            true},
           {"a registration still stands for the address",
            {.self = kSelf, .record = Names(kB), .silent = {kB}, .strangers = stranger},
            Action::kWait,
            true},
           {"nobody is recorded, a registration stands",
            {.self = kSelf, .silent = {kB}, .strangers = stranger},
            Action::kWait,
            true},
           {"a copy of the data lives",
            {.self = kSelf, .record = Names(kB), .living = {{kC, kFullReplica}}, .strangers = stranger},
            Action::kWait,
            true}}) {
    const auto decision = Decide(view);
    EXPECT_EQ(decision.action, action) << name << ": " << decision.reason;
    EXPECT_EQ(decision.reason.find("does not belong to this group") != std::string::npos, named)
        << decision.reason;
  }
}

TEST(DecideTest, WhatOnlySentinelsCouldEndNeedsAPersonWhereNoneAnswers) {
  struct PersonRow {
    const char* name;
    View view;
    const char* wait;
    const char* order;
  };
  for (auto [name, view, wait, order] : std::initializer_list<PersonRow>{
           {"two masters",
            {.living = {{kB, kFullMaster}, {kC, kFullMaster}}},
            "several-masters",
            "start the Sentinels, or send REPLICAOF to the one whose data are to be given up"},
           {"data without a master",
            {.living = {{kB, kFullReplica}}},
            "unrecorded-data",
            "start the Sentinels, or send REPLICAOF NO ONE to it"},
           {"garbage",
            {.record = kGarbage, .living = {{kB, kEmptyReplica}}},
            "unreadable-record",
            "start the Sentinels, or write \"host port\" of the master into the record"}}) {
    view.self = kSelf;
    for (const std::size_t answering : {0U, 1U}) {
      view.sentinels_answering = answering;
      const auto decision = Decide(view);
      EXPECT_EQ(decision.action, Action::kWait) << name;
      EXPECT_EQ(decision.wait, wait) << name;
      EXPECT_EQ(decision.needs_person, answering == 0) << name;
      EXPECT_EQ(decision.reason.find(order) != std::string::npos, answering == 0) << decision.reason;
      EXPECT_FALSE(decision.disputed) << name;
    }
  }
}

TEST(DecideTest, ANamedNodeWaitsForOneThatActsAlready) {
  for (const auto& acting : {kEmptyMaster, kFullMaster}) {
    const auto decision = Decide({.self = kSelf, .record = Names(kSelf), .living = {{kB, acting}}});
    EXPECT_EQ(decision.action, Action::kWait) << decision.reason;
    EXPECT_FALSE(decision.ask_failover) << "it has happened";
  }
}

TEST(DecideTest, AColdStartIsAConfigurationOfItsOwn) {
  Record recorded = Names(kB);
  recorded.epoch = 7;
  Record own = Names(kSelf);
  own.epoch = 7;
  EXPECT_EQ(Decide({.self = kSelf, .record = recorded, .highest_epoch = 9}).epoch, 10U);
  EXPECT_EQ(Decide({.self = kSelf, .record = own, .highest_epoch = 7}).epoch, 7U) << "it returns";
  EXPECT_EQ(Decide({.self = kSelf}).epoch, 0U) << "the first of all";
  EXPECT_EQ(Decide({.self = kSelf, .record = kGarbage, .highest_epoch = 4}).epoch, 5U);
  EXPECT_EQ(
      Decide({.self = kSelf, .record = recorded, .highest_epoch = 9, .living = {{kB, kFullMaster}}}).epoch,
      7U)
      << "following changes nothing";
}

TEST(DecideTest, SaysWhatItGoesBy) {
  struct Sentence {
    View view;
    std::vector<const char*> parts;
  };
  for (const auto& [view, parts] : std::initializer_list<Sentence>{
           {{.self = kSelf}, {"no master is recorded", "no running node holds data"}},
           {{.self = kSelf, .record = kGarbage}, {"unreadable", "\"garbage\""}},
           {{.self = kSelf, .record = Names(kB)}, {"10.0.0.2:6379", "is unreachable"}},
           {{.self = kSelf, .record = Names(kSelf), .living = {{kC, kFullReplica}}},
            {"10.0.0.3:6379", "holds data"}},
           {{.self = kSelf, .sentinels_say = Say(kB), .living = {{kB, kFullMaster}}},
            {"a majority of the Sentinels (2)", "10.0.0.2:6379"}}}) {
    const std::string reason = Decide(view).reason;
    for (const char* part : parts) EXPECT_NE(reason.find(part), std::string::npos) << reason;
  }
}

TEST(DecideTest, WithoutDataNobodyBeginsBeforeWhoeverRunsHasRegisteredAgain) {
  struct Case {
    const char* name;
    Record record;
    store::Dataset own;
    bool all_registered;
    Action action;
  };
  const store::Dataset data{.replication_id = kId, .offset = 100, .bytes = 10};
  for (const auto& [name, record, own, all_registered, action] :
       std::initializer_list<Case>{{"the master is silent", Names(kB), {}, false, Action::kWait},
                                   {"it stays silent", Names(kB), {}, true, Action::kServeAsMaster},
                                   {"this node was the master", Names(kSelf), {}, false, Action::kWait},
                                   {"with data on its disk", Names(kB), data, false, Action::kServeAsMaster},
                                   {"the first start of all", {}, {}, false, Action::kServeAsMaster}}) {
    const View view{.self = kSelf, .record = record, .own = own, .all_registered = all_registered};
    EXPECT_EQ(Decide(view).action, action) << name;
  }
}

const ServerInfo kLoadingMaster{.role = Role::kMaster, .loading = true};
const ServerInfo kLoadingReplica{.role = Role::kReplica, .loading = true};
constexpr const char* kForeignId = "ffffffff00000000000000000000000000000000";
store::Dataset DataOf(const char* id, std::int64_t offset) {
  return {.replication_id = id, .offset = offset, .bytes = 10};
}

// Everybody's data on disk, and those that do not live.
template <class Use>
void ForEveryAbsence(const View& view, const Use& use) {
  const bool c_is_away = !view.living.contains(kC);
  for (const auto& own : {store::Dataset{}, DataOf(kId, 100)}) {
    for (const auto& starting : {store::Dataset{}, DataOf(kId, 200), DataOf(kForeignId, 1)}) {
      for (const bool silent : {false, true}) {
        for (const bool awaited : {false, true}) {
          for (const bool patient : {false, true}) {
            View one = view;
            one.own = own;
            one.history.replication_id = kId;
            one.history.offset = 300;
            one.patient = patient;
            if (!starting.empty() && c_is_away) one.starting.push_back({.endpoint = kC, .dataset = starting});
            if (silent && c_is_away) one.silent.push_back(kC);
            if (awaited) one.awaited.push_back({.endpoint = kD, .dataset = DataOf(kId, 300)});
            use(one);
          }
        }
      }
    }
  }
}

// Every view of a group of three, as far as it can differ for a decision.
template <class Use>
void ForEveryView(const Use& use) {
  const std::vector<std::optional<ServerInfo>> conditions{
      std::nullopt,   kEmptyMaster,    kFullMaster,   kEmptyReplica, kFullReplica,
      kLoadingMaster, kLoadingReplica, kEmptyReserve, kEqualReserve, kNewerReserve};
  for (const auto& record : {kNobody, kGarbage, Names(kSelf), Names(kB), Names(kC)}) {
    for (const auto& said : {kDisagree, Say(kSelf), Say(kB), Say(kC)}) {
      for (const std::size_t disagreeing : {0U, 2U}) {
        for (const auto& b : conditions) {
          for (const auto& c : conditions) {
            View view{.self = kSelf,
                      .record = record,
                      .sentinels_say = said,
                      .sentinels_answering = said ? 2U : disagreeing};
            if (b) view.living.emplace(kB, *b);
            if (c) view.living.emplace(kC, *c);
            ForEveryAbsence(view, use);
          }
        }
      }
    }
  }
}

bool AnyLives(const View& view, bool (*condition)(const ServerInfo&)) {
  for (const auto& [endpoint, info] : view.living) {
    if (condition(info)) return true;
  }
  return false;
}
bool HoldsData(const ServerInfo& info) {
  return (info.keys > 0 || info.loading) && !redis_wrapper::IsNeverPromoted(info);
}
bool IsNewerReserve(const ServerInfo& info) { return info.offset == kNewerReserve.offset; }
bool ActsAsMaster(const ServerInfo& info) { return info.role == Role::kMaster; }

bool NamedByRecordOrSentinels(const View& view, const Endpoint& endpoint) {
  return (view.record.state == State::kMaster && view.record.master == endpoint) ||
         (view.sentinels_say && view.sentinels_say->master == endpoint);
}

TEST(DecideInvariantTest, NobodyServesAsMasterWithoutTheLock) {
  ForEveryView([](const View& view) {
    const auto decision = Decide(view);
    if (decision.action == Action::kServeAsMaster) {
      EXPECT_TRUE(decision.needs_lock) << Describe(view);
    }
  });
}

TEST(DecideInvariantTest, NobodyServesAsMasterWhileALivingNodeHoldsData) {
  ForEveryView([](const View& view) {
    if (!AnyLives(view, HoldsData)) return;
    EXPECT_NE(Decide(view).action, Action::kServeAsMaster) << Describe(view);
  });
}

TEST(DecideInvariantTest, NobodyOverwritesNewerDataThatNoFailoverPromotes) {
  ForEveryView([](const View& view) {
    if (!AnyLives(view, IsNewerReserve)) return;
    EXPECT_NE(Decide(view).action, Action::kServeAsMaster) << Describe(view);
  });
}

TEST(DecideInvariantTest, NobodyServesAsMasterWhileSomebodyIsSilent) {
  ForEveryView([](const View& view) {
    if (view.silent.empty()) return;
    EXPECT_NE(Decide(view).action, Action::kServeAsMaster) << Describe(view);
  });
}

TEST(DecideInvariantTest, NobodyServesAsMasterBeforeBetterOrForeignDataAreAccountedFor) {
  ForEveryView([](const View& view) {
    const bool awaits = view.patient && !view.awaited.empty();
    const bool better_starts =
        !view.starting.empty() && (view.own.empty() || view.starting.front().dataset.replication_id != kId ||
                                   view.starting.front().dataset.offset > view.own.offset);
    if (!awaits && !better_starts) return;
    EXPECT_NE(Decide(view).action, Action::kServeAsMaster) << Describe(view);
  });
}

TEST(DecideInvariantTest, NobodyWhoIsNotNamedServesAsMasterWhileAnotherActsAsOne) {
  ForEveryView([](const View& view) {
    if (!AnyLives(view, ActsAsMaster) || NamedByRecordOrSentinels(view, kSelf)) return;
    EXPECT_NE(Decide(view).action, Action::kServeAsMaster) << Describe(view);
  });
}

TEST(DecideInvariantTest, OnlyALivingMasterIsFollowed) {
  ForEveryView([](const View& view) {
    const auto decision = Decide(view);
    if (decision.action != Action::kFollow) {
      EXPECT_EQ(decision.master, Endpoint{}) << Describe(view);
      return;
    }
    ASSERT_TRUE(view.living.contains(decision.master)) << Describe(view);
    EXPECT_EQ(view.living.at(decision.master).role, Role::kMaster) << Describe(view);
    // Only a master that nobody names has to be made the recorded one.
    EXPECT_EQ(decision.needs_lock, !NamedByRecordOrSentinels(view, decision.master)) << Describe(view);
  });
}

TEST(DecideInvariantTest, ARecordedMasterThatIsOneIsAlwaysFollowed) {
  ForEveryView([](const View& view) {
    if (view.record.state != State::kMaster || !view.living.contains(view.record.master) ||
        !ActsAsMaster(view.living.at(view.record.master))) {
      return;
    }
    EXPECT_EQ(Decide(view).action, Action::kFollow) << Describe(view);
    EXPECT_EQ(Decide(view).master, view.record.master) << Describe(view);
  });
}

TEST(DecideInvariantTest, AFailoverIsAskedForOnlyByTheNamedMasterWhileAnotherHoldsTheData) {
  ForEveryView([](const View& view) {
    const auto decision = Decide(view);
    if (!decision.ask_failover) return;
    EXPECT_EQ(decision.action, Action::kWait) << Describe(view);
    EXPECT_TRUE(AnyLives(view, HoldsData)) << Describe(view);
    EXPECT_TRUE(NamedByRecordOrSentinels(view, kSelf)) << Describe(view);
  });
}

TEST(DecideInvariantTest, TheLockChangesNothingButWhoMayAct) {
  ForEveryView([](View view) {
    const auto before = Decide(view);
    view.locked = true;
    const auto after = Decide(view);
    EXPECT_EQ(before.action, after.action) << Describe(view);
    EXPECT_EQ(before.master, after.master) << Describe(view);
    EXPECT_EQ(before.reason, after.reason) << Describe(view);
  });
}

TEST(DecideInvariantTest, EveryDecisionSaysWhyInOneLine) {
  ForEveryView([](const View& view) {
    const std::string reason = Decide(view).reason;
    EXPECT_FALSE(reason.empty()) << Describe(view);
    EXPECT_EQ(reason.find('\n'), std::string::npos) << reason;
  });
}

ServerInfo ReplicaOf(const Endpoint& master, bool link_up) {
  return {.role = Role::kReplica, .master = master, .link_up = link_up};
}

TEST(MissedMasterTest, IsTheRecordedOneOfAReplicaWithoutALink) {
  EXPECT_EQ(MissedMaster(ReplicaOf(kB, false), kSelf, Names(kC), false), kC);
  EXPECT_EQ(MissedMaster(ReplicaOf({}, false), kSelf, Names(kC), false), kC);
  EXPECT_EQ(MissedMaster(ReplicaOf(kSelf, false), kSelf, Names(kC), false), kC);
  EXPECT_EQ(MissedMaster(ReplicaOf(kB, true), kSelf, Names(kC), true), kC) << "that is a replica itself";
}

TEST(MissedMasterTest, IsNobodyOtherwise) {
  struct MissRow {
    const char* name;
    ServerInfo own;
    Record record;
  };
  for (const auto& [name, own, record] :
       std::initializer_list<MissRow>{{"the link is up", ReplicaOf(kB, true), Names(kC)},
                                      {"follows the recorded one already", ReplicaOf(kC, false), Names(kC)},
                                      {"this node is the recorded one", ReplicaOf(kB, false), Names(kSelf)},
                                      {"nobody is recorded", ReplicaOf(kB, false), kNobody},
                                      {"the record is unreadable", ReplicaOf(kB, false), kGarbage},
                                      {"is a master", kFullMaster, Names(kC)},
                                      {"is a master and the recorded one", kFullMaster, Names(kSelf)},
                                      {"all is well", ReplicaOf(kC, true), Names(kC)}}) {
    EXPECT_EQ(MissedMaster(own, kSelf, record, false), std::nullopt) << name;
  }
}

TEST(SuccessorTest, IsTheRecordedOneOfAMasterThatLed) {
  constexpr bool kHasLed = true;
  EXPECT_EQ(Successor(kFullMaster, kSelf, Names(kC), kHasLed), kC);
  EXPECT_EQ(Successor(kEmptyMaster, kSelf, Names(kC), kHasLed), kC);
  Record without_lineage = Names(kC);
  without_lineage.lineage_fits = false;
  struct NoSuccessorRow {
    const char* name;
    ServerInfo own;
    Record record;
    bool has_led;
  };
  for (const auto& [name, own, record, has_led] : std::initializer_list<NoSuccessorRow>{
           {"the record has not heard of the promotion yet", kFullMaster, Names(kC), false},
           {"it is the recorded one", kFullMaster, Names(kSelf), kHasLed},
           {"nobody is recorded", kFullMaster, kNobody, kHasLed},
           {"the record is unreadable", kFullMaster, kGarbage, kHasLed},
           {"anybody may have written that", kFullMaster, without_lineage, kHasLed},
           {"is a replica", ReplicaOf(kB, false), Names(kC), kHasLed}}) {
    EXPECT_EQ(Successor(own, kSelf, record, has_led), std::nullopt) << name;
  }
}

TEST(IsPassedOverTest, WhereMostSentinelsGoOnWithTheRecordedMaster) {
  const auto of = [](const Endpoint& master, std::uint64_t epoch) {
    return SentinelReport{.identified = true, .master = master, .config_epoch = epoch, .known_sentinels = 2};
  };
  Record record = Names(kC);
  record.epoch = 10;
  Record unelected = record;
  unelected.origin = store::Origin::kUnelected;
  auto failing_over = of(kSelf, 10);
  failing_over.failover_in_progress = true;
  auto down = of(kC, 10);
  down.master_down = true;
  auto tilted = of(kC, 10);
  tilted.tilt = true;
  auto stranger = of(kC, 10);
  stranger.identified = false;
  struct PassedOverRow {
    const char* name;
    Record record;
    std::vector<SentinelReport> reports;
    std::size_t registered;
    bool passed_over;
  };
  for (const auto& [name, recorded, reports, registered, passed_over] : std::initializer_list<PassedOverRow>{
           {"two of three, and the third has the same epoch",
            record,
            {of(kC, 10), of(kC, 10), of(kSelf, 10)},
            3,
            true},
           {"two of three, and the third is silent", record, {of(kC, 10), of(kC, 10)}, 3, true},
           {"one of three", record, {of(kC, 10), of(kSelf, 10)}, 3, false},
           {"one of which alone is registered again", record, {of(kC, 10)}, 1, false},
           {"one knows a newer configuration", record, {of(kC, 10), of(kC, 10), of(kSelf, 11)}, 3, false},
           {"the same epoch counts after a recovery",
            unelected,
            {of(kC, 9), of(kC, 9), of(kSelf, 10)},
            3,
            false},
           {"one has yet to tell the others", record, {of(kC, 10), of(kC, 10), failing_over}, 3, false},
           {"one holds it for down", record, {of(kC, 10), down, of(kSelf, 10)}, 3, false},
           {"one does not trust its clock", record, {of(kC, 10), tilted, of(kSelf, 10)}, 3, false},
           {"one is another than expected", record, {of(kC, 10), stranger, of(kSelf, 10)}, 3, false},
           {"nobody answers", record, {}, 3, false},
           {"nobody is recorded", kNobody, {of(kC, 10), of(kC, 10)}, 3, false},
           {"it is the recorded one", Names(kSelf), {of(kSelf, 10), of(kSelf, 10)}, 3, false}}) {
    EXPECT_EQ(IsPassedOver(kSelf, recorded, reports, registered), passed_over) << name;
  }
}

}  // namespace
}  // namespace redis_zk::testing::bootstrap_test
