#include "redis-wrapper/recovery.h"

#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <string>

namespace redis_zk::testing::recovery_test {
namespace {

using redis::Role;
using redis_wrapper::AreSentinelsIdle;
using redis_wrapper::DecideRecovery;
using redis_wrapper::PatienceFor;
using redis_wrapper::Quiet;
using redis_wrapper::RecoveryDecision;
using redis_wrapper::RecoveryView;
using sentinel::SentinelReport;
using Action = RecoveryDecision::Action;
using State = store::Record::State;

const Endpoint kMaster{"10.0.0.1", 6379};
const Endpoint kSelf{"10.0.0.2", 6379};
const Endpoint kOther{"10.0.0.3", 6379};
const Endpoint kThird{"10.0.0.4", 6379};
const std::string kId(40, 'a');
const std::string kOlderId(40, 'b');
const std::string kForeignId(40, 'f');
constexpr Duration kPatience = 10s;
const TimePoint kStart{};
const TimePoint kNow = kStart + kPatience;

Endpoint SentinelAt(int number) { return {"10.0.1.1", static_cast<std::uint16_t>(26379 + number)}; }

redis::ServerInfo Replica(std::int64_t offset = 100, std::string id = kId) {
  return {.role = Role::kReplica, .replication_id = std::move(id), .offset = offset, .master = kMaster};
}

SentinelReport SaysDown() {
  return {.identified = true,
          .master = kMaster,
          .config_epoch = 4,
          .known_sentinels = 2,
          .master_down = true,
          .down_after = 1s};
}

// One in which this node promotes itself; the rows change one thing each.
RecoveryView Ready() {
  RecoveryView view{.self = kSelf,
                    .own = Replica(),
                    .holds_copy = true,
                    .record = {.state = State::kMaster, .master = kMaster, .epoch = 4, .lineage_fits = true},
                    .members = {{{.endpoint = kOther, .serving = true}, Replica()}},
                    .history = {.replication_id = kId, .offset = 100, .ancestors = {{kOlderId, 50}}},
                    .highest_epoch = 7,
                    .quiet_since = kStart,
                    .patience = kPatience,
                    .locked = true};
  for (int number = 0; number < 3; ++number) view.sentinels.push_back({SentinelAt(number), SaysDown()});
  return view;
}

struct Row {
  const char* name;
  std::function<void(RecoveryView&)> change;
  Action action;
};

void Check(std::initializer_list<Row> rows) {
  for (const auto& [name, change, action] : rows) {
    RecoveryView view = Ready();
    change(view);
    const auto decision = DecideRecovery(view, kNow);
    EXPECT_EQ(decision.action, action) << name << ": " << decision.reason;
    EXPECT_FALSE(decision.reason.empty()) << name;
    EXPECT_EQ(decision.epoch > 7, action == Action::kPromote || action == Action::kTakeLock)
        << name << ": above all that were seen";
  }
}

auto& OtherInfo(RecoveryView& view) { return *view.members.front().info; }

TEST(DecideRecoveryTest, ThereIsNothingToRecover) {
  Check({{"nobody is recorded", [](auto& view) { view.record = {}; }, Action::kNone},
         {"garbage is recorded", [](auto& view) { view.record.state = State::kUnreadable; }, Action::kNone},
         {"this node is recorded", [](auto& view) { view.record.master = kSelf; }, Action::kNone},
         {"this node is linked", [](auto& view) { view.own.link_up = true; }, Action::kNone},
         {"the recorded one acts",
          [](auto& view) { view.recorded = redis::ServerInfo{.role = Role::kMaster}; }, Action::kNone}});
}

TEST(DecideRecoveryTest, WhoWasPromotedAndNeverNamedIsRecorded) {
  Check({{"this node acts", [](auto& view) { view.own.role = Role::kMaster; }, Action::kPromote},
         {"this node acts, and the patience has not passed",
          [](auto& view) {
            view.own.role = Role::kMaster;
            view.quiet_since += 1ms;
          },
          Action::kWait},
         {"this node acts, and goes before a better priority",
          [](auto& view) {
            view.own.role = Role::kMaster;
            OtherInfo(view).priority = 10;
          },
          Action::kPromote},
         {"this node acts with data that the group has gone on from",
          [](auto& view) {
            view.own = Replica(200, kOlderId);
            view.own.role = Role::kMaster;
            view.members.clear();
          },
          Action::kWait},
         {"this node acts, and was succeeded: another one has newer data",
          [](auto& view) {
            view.own = Replica(200, kOlderId);
            view.own.role = Role::kMaster;
          },
          Action::kWait},
         {"another one acts, and is to record itself",
          [](auto& view) { OtherInfo(view).role = Role::kMaster; }, Action::kWait},
         {"another one acts, and did not record itself",
          [](auto& view) {
            OtherInfo(view).role = Role::kMaster;
            view.quiet_since -= kPatience;
          },
          Action::kPromote},
         {"another one acts with older data, as one that was succeeded",
          [](auto& view) {
            OtherInfo(view) = Replica(200, kOlderId);
            OtherInfo(view).role = Role::kMaster;
          },
          Action::kPromote}});
}

TEST(DecideRecoveryTest, FinishesOnlyWhatItHasBegunItself) {
  const auto owed = [](auto& view) {
    view.record.master = kSelf;
    view.record.epoch = 6;
    view.record.reason = "recovered";
    view.record.origin = store::Origin::kUnelected;
    view.owed_from = kMaster;
  };
  Check({{"its server has not obeyed yet", owed, Action::kFinish},
         {"it was recorded, and made a replica since",
          [&](auto& view) {
            owed(view);
            view.owed_from.reset();
          },
          Action::kNone},
         {"another one acts by now",
          [&](auto& view) {
            owed(view);
            OtherInfo(view).role = Role::kMaster;
          },
          Action::kNone},
         {"the old master is back, and gives way to the record",
          [&](auto& view) {
            owed(view);
            view.members.push_back(
                {{.endpoint = kMaster, .serving = true}, redis::ServerInfo{.role = Role::kMaster}});
          },
          Action::kFinish},
         {"a Sentinel names another by now",
          [&](auto& view) {
            owed(view);
            view.sentinels[0].report->master = kOther;
            view.sentinels[0].report->config_epoch = 6;
          },
          Action::kNone}});
}

TEST(DecideRecoveryTest, WhoReachesAStrangerAtTheRecordedAddressDoesNotReachTheMaster) {
  const auto all_reach_it = [](auto& view) {
    for (auto& witness : view.sentinels) witness.report->master_down = false;
    OtherInfo(view).link_up = true;
  };
  Check({{"the address answers as a stranger",
          [&](auto& view) {
            all_reach_it(view);
            view.strangers = {kMaster};
          },
          Action::kPromote},
         {"the same, and the master's registration stands",
          [&](auto& view) {
            all_reach_it(view);
            view.strangers = {kMaster};
            view.members.push_back({{.endpoint = kMaster, .serving = true}, std::nullopt});
          },
          Action::kWait},
         {"what is there does not say whose it is", all_reach_it, Action::kWait},
         {"the Sentinels have promoted one of the stranger's replicas",
          [&](auto& view) {
            for (auto& witness : view.sentinels)
              witness.report = SentinelReport{.identified = true, .master = kThird, .config_epoch = 5};
            view.strangers = {kThird};
          },
          Action::kPromote}});
}

TEST(DecideRecoveryTest, SentinelIsTheFirstToAct) {
  Check({{"the patience has passed", [](auto&) {}, Action::kPromote},
         {"the patience has not quite passed", [](auto& view) { view.quiet_since += 1ms; }, Action::kWait},
         {"a Sentinel knows a newer configuration",
          [](auto& view) {
            view.sentinels[1].report->config_epoch = 5;
            view.sentinels[1].report->master = kOther;
          },
          Action::kWait},
         {"a failover runs, and has got nowhere for as long",
          [](auto& view) { view.sentinels[0].report->failover_in_progress = true; }, Action::kPromote},
         {"the lock is not held", [](auto& view) { view.locked = false; }, Action::kTakeLock}});
}

TEST(AreSentinelsIdleTest, WhereAllSayThatTheMasterIsDeadAndDoNothing) {
  struct Case {
    const char* name;
    std::function<void(RecoveryView&)> change;
    bool idle;
  };
  // The third leads a failover, and they voted like this.
  const auto elect = [](RecoveryView& view, const char* first, const char* second, const char* third) {
    view.sentinels[2].report->failover_in_progress = true;
    for (int number = 0; number < 3; ++number) {
      auto& witness = view.sentinels[static_cast<std::size_t>(number)];
      witness.report->id = std::to_string(number);
      const std::string leader = number == 0 ? first : number == 1 ? second : third;
      witness.vote = {.leader = leader, .epoch = leader == "*" ? 0U : 5U};
    }
  };
  for (const auto& [name, change, idle] : std::initializer_list<Case>{
           {"as it is", [](auto&) {}, true},
           {"one does not answer", [](auto& view) { view.sentinels[2].report.reset(); }, false},
           {"one sees the master", [](auto& view) { view.sentinels[2].report->master_down = false; }, false},
           {"one fails over", [](auto& view) { view.sentinels[2].report->failover_in_progress = true; },
            false},
           {"one fails over, and the others voted for it", [&](auto& view) { elect(view, "2", "2", "2"); },
            false},
           {"one fails over, and the others voted for another",
            [&](auto& view) { elect(view, "0", "0", "2"); }, true},
           {"one fails over, one voted for another, and one may vote for it still",
            [&](auto& view) { elect(view, "0", "*", "2"); }, false},
           {"one fails over, and the others voted before that",
            [&](auto& view) {
              elect(view, "0", "0", "2");
              view.sentinels[0].vote->epoch = 4;
            },
            false},
           {"one fails over, lost the votes, and has chosen a replica: it was ordered to",
            [&](auto& view) {
              elect(view, "0", "0", "2");
              view.sentinels[2].replicas = {{.endpoint = kThird, .promoted = true}};
            },
            false},
           {"one fails over, and the others voted after that",
            [&](auto& view) {
              elect(view, "0", "0", "2");
              view.sentinels[2].vote->epoch = 4;
            },
            false},
           {"one fails over, and may have the votes of others that are not registered",
            [&](auto& view) {
              elect(view, "0", "0", "2");
              view.sentinels[2].report->known_sentinels = 4;
            },
            false},
           {"one fails over, and its vote is not known",
            [&](auto& view) {
              elect(view, "0", "0", "2");
              view.sentinels[2].vote.reset();
            },
            false},
           {"one is in TILT", [](auto& view) { view.sentinels[2].report->tilt = true; }, false},
           {"one names another master", [](auto& view) { view.sentinels[2].report->master = kThird; }, false},
           {"one is not who it should be", [](auto& view) { view.sentinels[2].report->identified = false; },
            false},
           {"they are half of those that one knows",
            [](auto& view) { view.sentinels[2].report->known_sentinels = 5; }, false},
           {"they are fewer than their quorum", [](auto& view) { view.sentinels[2].report->quorum = 4; },
            false},
           {"none is registered", [](auto& view) { view.sentinels.clear(); }, false}}) {
    RecoveryView view = Ready();
    change(view);
    EXPECT_EQ(AreSentinelsIdle(view), idle) << name;
  }
}

TEST(DecideRecoveryTest, ForSentinelsThatHaveGivenUpThereIsNothingToBePatientFor) {
  // The master's session lives still.
  const auto idle_for = [](RecoveryView& view, Duration duration) {
    view.quiet_since = kNow;
    view.idle_since = kNow - duration;
    view.members.push_back({{.endpoint = kMaster, .serving = true}, {}});
  };
  const auto after = [&](std::function<void(RecoveryView&)> change) {
    return [=](RecoveryView& view) {
      idle_for(view, 2s);
      change(view);
    };
  };
  const auto knows = [&](const sentinel::ReplicaReport& replica) {
    return [=](RecoveryView& view) {
      idle_for(view, 500ms);
      view.sentinels[1].replicas = {replica};
    };
  };
  Check(
      {{"they know nobody", [&](auto& view) { idle_for(view, 500ms); }, Action::kPromote},
       {"they know nobody, for a moment only", [&](auto& view) { idle_for(view, 499ms); }, Action::kWait},
       {"one knows a replica that is down", knows({.endpoint = kThird, .down = true}), Action::kPromote},
       {"one knows a replica of priority 0", knows({.endpoint = kThird, .priority = 0}), Action::kPromote},
       {"one knows a replica that it could promote, and may be about to", knows({.endpoint = kThird}),
        Action::kWait},
       {"one knows this node, and cannot reach it", knows({.endpoint = kSelf, .down = true}), Action::kWait},
       {"one could promote a replica, and has not for long",
        after([](auto& view) { view.sentinels[1].replicas = {{.endpoint = kThird}}; }), Action::kPromote},
       {"this node holds no complete copy", after([](auto& view) { view.holds_copy = false; }),
        Action::kWait},
       {"its user rules it out", after([](auto& view) { view.own.priority = 0; }), Action::kWait},
       {"a replica is linked to the master", after([](auto& view) { OtherInfo(view).link_up = true; }),
        Action::kWait},
       {"another replica does not answer", after([](auto& view) { view.members.front().info.reset(); }),
        Action::kWait},
       {"another replica does not answer, and Sentinels call it down", after([](auto& view) {
          view.members.front().info.reset();
          for (auto& witness : view.sentinels) witness.replicas = {{.endpoint = kOther, .down = true}};
        }),
        Action::kPromote},
       {"another replica does not answer, and one Sentinel sees it", after([](auto& view) {
          view.members.front().info.reset();
          for (auto& witness : view.sentinels) witness.replicas = {{.endpoint = kOther, .down = true}};
          view.sentinels[0].replicas.front().down = false;
        }),
        Action::kWait},
       {"another replica has more", after([](auto& view) { OtherInfo(view).offset = 101; }), Action::kWait},
       {"another replica has unrelated data: a person has time to look",
        after([](auto& view) { OtherInfo(view) = Replica(100, kForeignId); }), Action::kWait}});
}

TEST(DecideRecoveryTest, TheOldMasterIsDeadForMoreThanHalf) {
  Check({{"its wrapper is registered, and it serves",
          [](auto& view) {
            view.members.push_back({{.endpoint = kMaster, .serving = true}, {}});
          },
          Action::kWait},
         {"its wrapper is registered, and it is a replica of this node",
          [](auto& view) {
            view.own.role = Role::kMaster;
            view.own.link_up = false;
            view.recorded = redis::ServerInfo{.role = Role::kReplica, .master = kSelf};
            view.members.push_back({{.endpoint = kMaster, .serving = true}, view.recorded});
          },
          Action::kPromote},
         {"its wrapper is registered, and it starts",
          [](auto& view) {
            view.members.push_back({{.endpoint = kMaster, .serving = false}, {}});
          },
          Action::kPromote},
         {"it is a replica now", [](auto& view) { view.recorded = Replica(); }, Action::kPromote},
         {"a Sentinel sees it", [](auto& view) { view.sentinels[2].report->master_down = false; },
          Action::kWait},
         {"one in TILT saw it",
          [](auto& view) {
            view.sentinels[2].report->master_down = false;
            view.sentinels[2].report->tilt = true;
          },
          Action::kPromote},
         {"a replica is linked to it", [](auto& view) { OtherInfo(view).link_up = true; }, Action::kWait},
         {"a replica is linked to it, and has heard nothing for long",
          [](auto& view) {
            OtherInfo(view).link_up = true;
            OtherInfo(view).link_silent_for = 12s;
          },
          Action::kPromote},
         {"no Sentinel is registered", [](auto& view) { view.sentinels.clear(); }, Action::kPromote},
         {"alone, and nobody is registered",
          [](auto& view) {
            view.sentinels.clear();
            view.members.clear();
          },
          Action::kPromote},
         {"two of five do not answer",
          [](auto& view) { view.sentinels[0].report = view.sentinels[1].report = {}; }, Action::kPromote},
         {"three of five do not answer",
          [](auto& view) {
            for (auto& sentinel : view.sentinels) sentinel.report = {};
          },
          Action::kWait},
         {"half of four do not answer",
          [](auto& view) {
            view.sentinels.pop_back();
            view.sentinels[0].report = view.sentinels[1].report = {};
          },
          Action::kWait},
         {"the Sentinels know another group's master there",
          [](auto& view) {
            for (auto& sentinel : view.sentinels) sentinel.report->master = kThird;
          },
          Action::kPromote}});
}

TEST(DecideRecoveryTest, TheBestDataGoFirst) {
  Check({{"the other one has more", [](auto& view) { OtherInfo(view).offset = 101; }, Action::kWait},
         {"the other one has more, and has had its time: a person is told",
          [](auto& view) {
            OtherInfo(view).offset = 101;
            view.quiet_since -= kPatience;
          },
          Action::kRefuse},
         {"the other one has less", [](auto& view) { OtherInfo(view).offset = 99; }, Action::kPromote},
         {"the other one has older data, and more of them",
          [](auto& view) { OtherInfo(view) = Replica(200, kOlderId); }, Action::kPromote},
         {"this node has older data", [](auto& view) { view.own = Replica(200, kOlderId); }, Action::kWait},
         {"the other one has more, and no complete copy",
          [](auto& view) {
            OtherInfo(view).offset = 101;
            view.members.front().member.incomplete = true;
          },
          Action::kPromote},
         {"the other one has unrelated data", [](auto& view) { OtherInfo(view) = Replica(100, kForeignId); },
          Action::kRefuse},
         {"the other one has more, and its user rules it out",
          [](auto& view) {
            OtherInfo(view).offset = 101;
            OtherInfo(view).priority = 0;
          },
          Action::kRefuse},
         {"the other one has as much, and its user rules it out",
          [](auto& view) { OtherInfo(view).priority = 0; }, Action::kPromote},
         {"the other one has as much, and a better priority",
          [](auto& view) { OtherInfo(view).priority = 10; }, Action::kWait},
         {"the other one has as much and a better priority, and had its time",
          [](auto& view) {
            OtherInfo(view).priority = 10;
            view.quiet_since -= kPatience;
          },
          Action::kPromote},
         {"the other one does not answer", [](auto& view) { view.members.front().info = {}; }, Action::kWait},
         {"the other one does not answer, and had its time",
          [](auto& view) {
            view.members.front().info = {};
            view.quiet_since -= kPatience;
          },
          Action::kPromote},
         {"the other one only starts",
          [](auto& view) {
            view.members.front() = {{.endpoint = kOther, .serving = false}, {}};
          },
          Action::kPromote}});
}

TEST(DecideRecoveryTest, ThisNodeMayNotBeTheOne) {
  Check({{"its user rules it out", [](auto& view) { view.own.priority = 0; }, Action::kWait},
         {"it holds no complete copy",
          [](auto& view) {
            view.holds_copy = false;
            view.own.priority = 0;
          },
          Action::kWait},
         {"it holds no complete copy, and an operator insists", [](auto& view) { view.holds_copy = false; },
          Action::kPromote},
         {"nobody may be the one",
          [](auto& view) {
            view.own.priority = 0;
            OtherInfo(view).priority = 0;
          },
          Action::kRefuse},
         {"nobody holds a complete copy",
          [](auto& view) {
            view.holds_copy = false;
            view.own.priority = 0;
            view.members.clear();
          },
          Action::kRefuse}});
}

TEST(PatienceForTest, IsNoLessThanTheFenceTakes) {
  EXPECT_EQ(PatienceFor(30s, 2s), 30s);
  EXPECT_EQ(PatienceFor(0s, 2s), 7s);
}

TEST(QuietTest, BeginsAnewWithWhateverNeedsTime) {
  struct Turn {
    const char* name;
    std::function<void(RecoveryView&)> change;
    bool begins_anew;
  };
  for (const auto& [name, change, begins_anew] : std::initializer_list<Turn>{
           {"nothing", [](auto&) {}, false},
           {"another record", [](auto& view) { view.record.master = kThird; }, true},
           {"a failover begins", [](auto& view) { view.sentinels[0].report->failover_in_progress = true; },
            true},
           {"a failover is won", [](auto& view) { view.sentinels[0].report->config_epoch = 5; }, true},
           {"a Sentinel is silent", [](auto& view) { view.sentinels[0].report = {}; }, false},
           {"a Sentinel sees the master", [](auto& view) { view.sentinels[0].report->master_down = false; },
            true},
           {"no more than half answer",
            [](auto& view) {
              for (auto& sentinel : view.sentinels) sentinel.report = {};
            },
            true},
           {"the master is registered",
            [](auto& view) {
              view.members.push_back({{.endpoint = kMaster, .serving = true}, {}});
            },
            true},
           {"another Sentinel joins",
            [](auto& view) {
              view.sentinels.push_back({SentinelAt(9), SaysDown()});
            },
            false}}) {
    Quiet quiet;
    RecoveryView view = Ready();
    EXPECT_EQ(quiet.Note(view, kStart), kStart) << name;
    change(view);
    EXPECT_EQ(quiet.Note(view, kNow), begins_anew ? kNow : kStart) << name;
  }
  // Its end is no news: an attempt that was given up gets nowhere.
  Quiet quiet;
  RecoveryView view = Ready();
  view.sentinels[0].report->failover_in_progress = true;
  quiet.Note(view, kStart);
  view.sentinels[0].report->failover_in_progress = false;
  EXPECT_EQ(quiet.Note(view, kNow), kStart);
  quiet.Reset();
  EXPECT_EQ(quiet.Note(view, kNow), kNow) << "there was a master meanwhile";
}

}  // namespace
}  // namespace redis_zk::testing::recovery_test
