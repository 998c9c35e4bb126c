// What becomes of a handover when servers behave as real ones do at bad times.
#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <string>

#include "unit/handover_fixture.h"

namespace redis_zk::testing::handover_faults_test {
namespace {

using AfterFailure = HandoverWorld::AfterFailure;
using Kind = HandoverWorld::Kind;
using State = FakeFleet::State;

constexpr auto kStops = AfterFailure::kItStops;
constexpr auto kGoesOn = AfterFailure::kItGoesOn;

const std::string kOrderToS3 = "10.0.0.9:26379 SENTINEL FAILOVER g";

// When the first Sentinel has taken the order.
void WhenOrdered(HandoverWorld& world, std::function<void()> what) {
  world.Hook([what = std::move(what)](const std::string& order) {
    if (order == kOrderToS3) what();
  });
}
// When writes are paused for the first time.
void WhenPaused(HandoverWorld& world, std::function<void()> what) {
  world.Hook([&world, what = std::move(what)](const std::string& order) {
    if (order.find("CLIENT PAUSE") != std::string::npos && world.CountOrders("CLIENT PAUSE") == 1) what();
  });
}

struct Row {
  const char* name;
  std::function<void(HandoverWorld&)> prepare;
  Kind kind;
  std::string told;  // a part of it
};

void Check(AfterFailure after_failure, std::initializer_list<Row> rows) {
  for (const auto& [name, prepare, kind, told] : rows) {
    SCOPED_TRACE(name);
    HandoverWorld world(after_failure);
    prepare(world);
    const auto& outcome = world.Run(after_failure == kStops ? world.terms.timeout + 2s : 60s);
    EXPECT_EQ(outcome.kind, kind) << outcome.told;
    EXPECT_NE(outcome.told.find(told), std::string::npos) << outcome.told;
    world.CheckEnd();
  }
}

void EnterTilt(HandoverWorld& world) {
  WhenOrdered(world, [&world] { world.fleet.sentinel(kS3).tilt = true; });
}
void StandStill(HandoverWorld& world) {
  WhenOrdered(world, [&world] { world.fleet.sentinel(kS3).state = State::kSilent; });
}
void Die(HandoverWorld& world) {
  WhenOrdered(world, [&world] { world.fleet.sentinel(kS3).state = State::kGone; });
}
// It has chosen a replica, and may have told it already.
void EnterTiltWithAChoice(HandoverWorld& world) {
  WhenOrdered(world, [&world] {
    world.fleet.sentinel(kS3).tilt = true;
    world.fleet.sentinel(kS3).groups.at("g").replicas.at(kB).promoted = true;
  });
}
void Abandon(HandoverWorld& world) {
  WhenOrdered(world, [&world] {
    world.fleet.sentinel(kS3).groups.at("g").failover_timeout = 180s,
    world.fleet.sentinel(kS3).groups.at("g").failing_over = false;
  });
}
// All the Sentinels together.
void ForAll(HandoverWorld& world, const std::function<void(FakeFleet::Sentinel&)>& what) {
  for (const auto& sentinel : {kS1, kS2, kS3}) what(world.fleet.sentinel(sentinel));
}
// Whenever one of them has taken an order.
void WheneverOrdered(HandoverWorld& world, const std::function<void(FakeFleet::Sentinel&)>& to_all) {
  world.Hook([&world, to_all](const std::string& order) {
    if (order.find("SENTINEL FAILOVER") != std::string::npos) ForAll(world, to_all);
  });
}
void AllStandStill(HandoverWorld& world) {
  WheneverOrdered(world, [](auto& sentinel) { sentinel.state = State::kSilent; });
}

TEST(HandoverFaultsTest, AnotherSentinelIsAskedInstead) {
  for (const auto after_failure : {kStops, kGoesOn}) {
    Check(after_failure, {{"enters TILT", EnterTilt, Kind::kDone, "handed over to 10.0.0.2:6379"},
                          {"enters TILT once it has chosen", EnterTiltWithAChoice, Kind::kDone,
                           "handed over to 10.0.0.2:6379"},
                          {"stands still", StandStill, Kind::kDone, "handed over to 10.0.0.2:6379"},
                          {"dies", Die, Kind::kDone, "handed over to 10.0.0.2:6379"}});
  }
}

TEST(HandoverFaultsTest, OneThatIsInTiltIsNotAsked) {
  for (const auto after_failure : {kStops, kGoesOn}) {
    HandoverWorld world(after_failure);
    WhenPaused(world, [&world] { world.fleet.sentinel(kS3).tilt = true; });
    EXPECT_EQ(world.Run().kind, Kind::kDone);
    EXPECT_EQ(world.CountOrders(kOrderToS3), 0);
    world.CheckEnd();
  }
}

TEST(HandoverFaultsTest, NoSecondFailoverBesideOneThatRuns) {
  for (const auto after_failure : {kStops, kGoesOn}) {
    HandoverWorld world(after_failure);
    WhenPaused(world, [&world] {
      (void)world.fleet.network().sentinels.Order(kS1, {"SENTINEL", "FAILOVER", "g"});
    });
    EXPECT_EQ(world.Run().kind, Kind::kDone);
    EXPECT_EQ(world.CountOrders("SENTINEL FAILOVER"), 1);
    world.CheckEnd();
  }
}

TEST(HandoverFaultsTest, AStopEndsInTime) {
  Check(kStops,
        {{"the Sentinel abandons it", Abandon, Kind::kGivenUp,
          "Sentinel 10.0.0.9:26379 abandoned the failover"},
         {"the failover takes too long",
          [](auto& w) { ForAll(w, [](auto& sentinel) { sentinel.promotes_after = 1min; }); },
          Kind::kUndecided, "timeout: no replica was promoted (HANDOVER_TIMEOUT)"},
         {"all stand still once asked", AllStandStill, Kind::kUndecided,
          "accepted the failover request and no longer answers"},
         {"the order cannot be withdrawn in TILT",
          [](auto& w) {
            EnterTilt(w);
            w.fleet.forbidden = {"10.0.0.9:26379 SENTINEL RESET"};
          },
          Kind::kUndecided, "the failover is still running"},
         {"the old master refuses to follow",
          [](auto& w) { w.fleet.forbidden = {"10.0.0.1:6379 REPLICAOF"}; }, Kind::kUndecided,
          "10.0.0.2:6379 was promoted, but 10.0.0.1:6379 does not replicate from it: REPLICAOF: NOPERM"},
         {"a replica does not come close",
          [](auto& w) {
            w.stuck = {kB, kC};
          },
          Kind::kRefused, "bytes behind"},
         {"a replica stands still in the pause",
          [](auto& w) { WhenPaused(w, [&w] { w.fleet.redis(kC).state = State::kSilent; }); }, Kind::kGivenUp,
          "10.0.0.3:6379: no answer"},
         {"the old master does not follow",
          [](auto& w) {
            w.Hook([&w](const std::string& order) {
              if (order.empty() && w.promoted()) w.fleet.redis(kA).state = State::kSilent;
            });
          },
          Kind::kDone, "handed over"}});
}

TEST(HandoverFaultsTest, WhatGoesOnTakesWritesAgainOnceNothingIsPromotedAnyMore) {
  Check(
      kGoesOn,
      {{"the Sentinel abandons it", Abandon, Kind::kGivenUp,
        "Sentinel 10.0.0.9:26379 abandoned the failover"},
       {"the failover takes too long",
        [](auto& w) { ForAll(w, [](auto& sentinel) { sentinel.promotes_after = 6s; }); }, Kind::kGivenUp,
        "timeout: no replica was promoted, and the failover was cancelled"},
       {"all stand still once asked", AllStandStill, Kind::kUndecided,
        "does not answer and may still promote one"},
       {"it stands still, and promotes when it wakes",
        [](auto& w) {
          StandStill(w);
          w.fleet.sentinel(kS1).tilt = w.fleet.sentinel(kS2).tilt = true;
          w.time.At(Clock::now() + 8s, [&w] { w.fleet.sentinel(kS3).state = State::kAnswers; });
        },
        Kind::kDone, "handed over to 10.0.0.2:6379"},
       {"all enter TILT once asked",
        [](auto& w) { WheneverOrdered(w, [](auto& sentinel) { sentinel.tilt = true; }); }, Kind::kGivenUp,
        "10.0.0.7:26379 is in TILT"},
       {"the order cannot be withdrawn in TILT",
        [](auto& w) {
          EnterTilt(w);
          w.fleet.forbidden = {"10.0.0.9:26379 SENTINEL RESET"};
        },
        Kind::kUndecided, "the failover is still running"},
       {"the old master refuses to follow", [](auto& w) { w.fleet.forbidden = {"10.0.0.1:6379 REPLICAOF"}; },
        Kind::kUndecided, "does not replicate from it: REPLICAOF: NOPERM"},
       {"writes cannot be resumed",
        [](auto& w) {
          Abandon(w);
          w.fleet.forbidden = {"10.0.0.1:6379 CLIENT UNPAUSE"};
        },
        Kind::kGivenUp, "abandoned"},
       {"a longer pause is refused",
        [](auto& w) { w.fleet.forbidden = {"10.0.0.1:6379 CLIENT PAUSE 30000"}; }, Kind::kGivenUp, "NOPERM"},
       {"a replica does not come close",
        [](auto& w) {
          w.stuck = {kB, kC};
        },
        Kind::kRefused, "bytes behind"},
       {"a replica stands still in the pause",
        [](auto& w) { WhenPaused(w, [&w] { w.fleet.redis(kC).state = State::kSilent; }); }, Kind::kGivenUp,
        "10.0.0.3:6379: no answer"},
       {"all replicas leave in the pause",
        [](auto& w) {
          WhenPaused(w, [&w] { w.fleet.redis(kB).link_up = w.fleet.redis(kC).link_up = false; });
        },
        Kind::kGivenUp, "no replica is attached any more"},
       {"the pause ends too early",
        [](auto& w) {
          w.Hook([&w](const std::string& order) {
            if (order.find("CLIENT PAUSE 30000") != std::string::npos) w.time.Advance(3s);
          });
        },
        Kind::kGivenUp, "the pause of the writes expired"},
       {"none can be promoted after all",
        [](auto& w) {
          ForAll(w, [](auto& sentinel) {
            for (auto& [replica, known] : sentinel.groups.at("g").replicas) known.asked = false;
          });
        },
        Kind::kGivenUp, "NOGOODSLAVE"}});
}

TEST(HandoverFaultsTest, ItIsRefusedWhereItCannotEnd) {
  for (const auto after_failure : {kStops, kGoesOn}) {
    Check(after_failure,
          {{"all are in TILT", [](auto& w) { ForAll(w, [](auto& sentinel) { sentinel.tilt = true; }); },
            Kind::kRefused, "in TILT"},
           {"the master is silent",
            [](auto& w) {
              w.fleet.redis(kA).state = State::kSilent;
              w.time.At(Clock::now() + 1min, [&w] {
                auto& state = w.fleet.redis(kA).state;
                if (state == State::kSilent) state = State::kAnswers;
              });
            },
            Kind::kRefused, "no answer"},
           {"most do not name it, and ZooKeeper does not",
            [](auto& w) {
              w.terms.recorded = false;
              w.fleet.sentinel(kS1).state = w.fleet.sentinel(kS2).state = State::kGone;
            },
            Kind::kRefused, "only 1 of 2 required Sentinels"},
           {"writes cannot be paused", [](auto& w) { w.fleet.forbidden = {"10.0.0.1:6379 CLIENT PAUSE"}; },
            Kind::kRefused, "CLIENT: NOPERM"},
           {"its priority cannot be set",
            [](auto& w) {
              w.terms.to = kC;
              w.fleet.forbidden = {"10.0.0.3:6379 CONFIG SET"};
            },
            Kind::kRefused, "NOPERM"},
           {"the preferred one leaves while it comes close",
            [](auto& w) {
              w.terms.to = kC;
              w.stuck = {kC};
              w.time.At(Clock::now() + 300ms, [&w] { w.fleet.redis(kC).link_up = false; });
            },
            Kind::kRefused, "10.0.0.3:6379 is not an attached replica"},
           {"the preferred one is never promoted",
            [](auto& w) {
              w.terms.to = kC;
              ForAll(w, [](auto& s) { s.groups.at("g").replicas.at(kC).believed_priority = 0; });
            },
            Kind::kRefused, "no Sentinel knows 10.0.0.3:6379 yet"},
           {"no Sentinel sees the preference",
            [](auto& w) {
              w.terms.to = kC;
              ForAll(w, [](auto& s) { s.groups.at("g").replicas.at(kC).believed_priority = 100; });
            },
            Kind::kRefused, "timeout: Sentinel 10.0.0.9:26379 does not prefer 10.0.0.3:6379 yet"}});
  }
}

TEST(HandoverFaultsTest, AReplicaThatIsNotAttachedIsNotPromoted) {
  for (const auto after_failure : {kStops, kGoesOn}) {
    HandoverWorld world(after_failure);
    world.fleet.redis(kB).link_up = false;
    EXPECT_EQ(world.Run().promoted, kC);
    world.CheckEnd();
  }
}

TEST(HandoverFaultsTest, SentinelsThatDoNotKnowTheReplicaYetAreWaitedForAMoment) {
  for (const auto after_failure : {kStops, kGoesOn}) {
    for (const bool learns : {false, true}) {
      HandoverWorld world(after_failure);
      world.fleet.sentinel(kS1).groups.at("g").replicas.clear();
      if (learns)
        world.time.At(Clock::now() + 500ms, [&world] {
          world.fleet.sentinel(kS1).groups.at("g").replicas =
              world.fleet.sentinel(kS2).groups.at("g").replicas;
        });
      const auto& outcome = world.Run();
      EXPECT_EQ(outcome.kind, Kind::kDone) << outcome.told;
      EXPECT_GE(outcome.took, learns ? 500ms : 1s);
      EXPECT_LT(outcome.took, learns ? 700ms : 1200ms);
      world.CheckEnd();
    }
  }
}

TEST(HandoverFaultsTest, AnotherSentinelIsChosenWhereTheFirstCanNoLongerFailOver) {
  for (const auto after_failure : {kStops, kGoesOn}) {
    HandoverWorld world(after_failure);
    world.terms.to = kC;
    world.Hook([&world](const std::string& order) {
      if (order == "10.0.0.3:6379 CONFIG SET replica-priority 1") world.fleet.sentinel(kS3).tilt = true;
    });
    const auto& outcome = world.Run();
    EXPECT_EQ(outcome.kind, Kind::kDone) << outcome.told;
    EXPECT_EQ(outcome.promoted, kC);
    EXPECT_EQ(world.CountOrders("10.0.0.8:26379 SENTINEL FAILOVER"), 1);
    world.CheckEnd();
  }
}

TEST(HandoverFaultsTest, AFailoverThatAnotherSentinelReportsIsFollowed) {
  HandoverWorld world(kGoesOn);
  // The one that was asked promotes and stands still, and the promoted one is slow to say so.
  WhenOrdered(world, [&world] {
    world.fleet.sentinel(kS3).tilt = true;
    for (const auto& sentinel : {kS1, kS2}) {
      auto& group = world.fleet.sentinel(sentinel).groups.at("g");
      group.master = kB;
      ++group.config_epoch;
    }
    world.fleet.Promote(kB);
    world.fleet.redis(kB).state = State::kSilent;
    world.time.At(Clock::now() + 2s, [&world] { world.fleet.redis(kB).state = State::kAnswers; });
  });
  const auto& outcome = world.Run();
  EXPECT_EQ(outcome.kind, Kind::kDone) << outcome.told;
  EXPECT_EQ(outcome.promoted, kB);
  world.CheckEnd();
}

TEST(HandoverFaultsTest, AnInterruptedWaitTellsWhatItWaitedFor) {
  for (const auto after_failure : {kStops, kGoesOn}) {
    HandoverWorld world(after_failure);
    ForAll(world, [](auto& sentinel) { sentinel.tilt = true; });
    ASSERT_TRUE(world.RunInterrupted(3));
    EXPECT_EQ(world.handover->outcome().kind, Kind::kRefused);
    EXPECT_EQ(world.handover->outcome().told,
              "every Sentinel that knows a promotable replica is in TILT; interrupted");
    world.CheckEnd();
  }
}

TEST(HandoverFaultsTest, ANodeThatIsAReplicaHasNothingToHandOver) {
  HandoverWorld world(kStops);
  world.fleet.redis(kA).role = redis::Role::kReplica;
  EXPECT_FALSE(world.Run().is_master);
}

TEST(HandoverFaultsTest, ItCanBeInterruptedWhileAnOrderIsCalledOff) {
  for (const auto after_failure : {kStops, kGoesOn}) {
    int number = 0;
    for (bool interrupted = true; interrupted; number += 8) {
      SCOPED_TRACE("wait " + std::to_string(number));
      HandoverWorld world(after_failure);
      EnterTiltWithAChoice(world);
      interrupted = world.RunInterrupted(number);
      world.CheckEnd();
      ASSERT_LT(number, 500);
    }
    EXPECT_GT(number, 50);
  }
}

TEST(FindPromotedTest, OneThatActsWithOtherDataIsNotFollowed) {
  struct Found {
    const char* name;
    std::function<void(FakeFleet&)> change;
    std::optional<Endpoint> named;
    std::optional<Endpoint> promoted;
  };
  const auto acts = [](FakeFleet& fleet, const std::string& before, std::int64_t until) {
    auto& redis = fleet.redis(kB);
    redis.role = redis::Role::kMaster;
    redis.replication_id = std::string(40, '9');
    redis.previous_replication_id = before;
    redis.previous_until = until;
  };
  const std::string data = std::string(40, 'a');
  for (const auto& [name, change, named, promoted] : std::initializer_list<Found>{
           {"both are replicas", [](auto&) {}, {}, {}},
           {"one was promoted", [&](auto& fleet) { acts(fleet, data, 1001); }, {}, kB},
           {"one was started anew without data", [&](auto& fleet) { acts(fleet, "", -1); }, {}, {}},
           {"one was started anew, and a Sentinel names it",
            [&](auto& fleet) { acts(fleet, "", -1); },
            kB,
            {}},
           // Since Redis 7.0, a master that loads a snapshot goes on from what that was called.
           {"one was started from an old snapshot", [&](auto& fleet) { acts(fleet, data, 901); }, {}, {}},
           {"one that had not caught up was promoted, and a Sentinel names it",
            [&](auto& fleet) { acts(fleet, data, 901); }, kB, kB},
           {"a Sentinel names another one", [&](auto& fleet) { acts(fleet, data, 901); }, kC, {}}}) {
    FakeTime time;
    FakeFleet fleet(time);
    fleet.AddMaster(kA);
    fleet.AddReplica(kB, kA);
    fleet.AddReplica(kC, kA);
    change(fleet);
    const failover::Promotion awaited{kA, data, 1000, {kB, kC}};
    EXPECT_EQ(failover::FindPromoted(fleet.network().redis, awaited, named), promoted) << name;
  }
}

TEST(FindNamedTest, ANewerConfigurationIsBelieved) {
  const auto names = [](const Endpoint& master, std::uint64_t epoch) {
    return sentinel::SentinelReport{.master = master, .config_epoch = epoch};
  };
  EXPECT_EQ(failover::FindNamed(kA, {}), std::nullopt);
  EXPECT_EQ(failover::FindNamed(kA, {names(kA, 3), names(kB, 4)}), kB);
  EXPECT_EQ(failover::FindNamed(kA, {names(kB, 2), names(kA, 3)}), std::nullopt)
      << "it has not heard for long";
  EXPECT_EQ(failover::FindNamed(kA, {names(kB, 3), names(kA, 3)}), std::nullopt);
}

TEST(DisconnectClientsTest, LeavesReplicasAndSubscribersAlone) {
  HandoverWorld world(kGoesOn);
  EXPECT_TRUE(failover::DisconnectClients(world.fleet.network().redis, kA));
  EXPECT_EQ(world.fleet.orders, std::vector<std::string>{"10.0.0.1:6379 CLIENT KILL TYPE normal"});
}

}  // namespace
}  // namespace redis_zk::testing::handover_faults_test
