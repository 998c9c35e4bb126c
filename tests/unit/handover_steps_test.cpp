// What holds of a handover whatever fails, and whenever it is interrupted.
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "support/fault_site.h"
#include "unit/handover_fixture.h"

namespace redis_zk::testing::handover_steps_test {
namespace {

using AfterFailure = HandoverWorld::AfterFailure;
using Kind = HandoverWorld::Kind;
using State = FakeFleet::State;

constexpr auto kStops = AfterFailure::kItStops;
constexpr auto kGoesOn = AfterFailure::kItGoesOn;

std::string NameOf(AfterFailure after_failure) { return after_failure == kStops ? "it stops" : "it goes on"; }

TEST(HandoverTest, PausesOrdersDemotesAndReleasesInThisOrder) {
  for (const auto after_failure : {kStops, kGoesOn}) {
    HandoverWorld world(after_failure);
    const auto& outcome = world.Run();
    EXPECT_EQ(outcome.kind, Kind::kDone) << outcome.told;
    EXPECT_EQ(outcome.promoted, kB);
    EXPECT_TRUE(outcome.is_master);
    EXPECT_LT(outcome.paused, 100ms);
    EXPECT_GT(outcome.paused, 0ms);
    std::vector<std::string> expected{"10.0.0.9:26379 SENTINEL FAILOVER g",
                                      "10.0.0.1:6379 REPLICAOF 10.0.0.2 6379",
                                      "10.0.0.1:6379 CLIENT UNPAUSE"};
    if (after_failure == kGoesOn) expected.insert(expected.begin(), "10.0.0.1:6379 CLIENT PAUSE 30000 WRITE");
    expected.insert(expected.begin(), after_failure == kGoesOn ? "10.0.0.1:6379 CLIENT PAUSE 2500 WRITE"
                                                               : "10.0.0.1:6379 CLIENT PAUSE 70000 WRITE");
    EXPECT_EQ(world.fleet.orders, expected) << NameOf(after_failure);
    world.CheckEnd();
  }
}

TEST(HandoverTest, PromotesThePreferredReplica) {
  for (const auto after_failure : {kStops, kGoesOn}) {
    HandoverWorld world(after_failure);
    world.terms.to = kC;
    const auto& outcome = world.Run();
    EXPECT_EQ(outcome.kind, Kind::kDone) << outcome.told;
    EXPECT_EQ(outcome.promoted, kC);
    world.CheckEnd();
  }
}

TEST(HandoverTest, HoldsWhicheverCallFails) {
  for (const auto after_failure : {kStops, kGoesOn}) {
    for (const std::optional<Endpoint>& to : {std::optional<Endpoint>(), std::optional(kC)}) {
      SCOPED_TRACE(NameOf(after_failure) + (to ? ", to a preferred one" : ""));
      AtEveryCall([&](int number, Fault fault) {
        HandoverWorld world(after_failure);
        world.terms.to = to;
        world.network.FailCall(number, fault);
        const auto& outcome = world.Run();
        EXPECT_TRUE(outcome.kind != Kind::kDone || !to || outcome.promoted == kC);
        world.CheckEnd();
        return world.network.faults() > 0;
      });
    }
  }
}

// A Sentinel that enters TILT with the order taken has it called off, call by call.
TEST(HandoverTest, HoldsWhicheverCallFailsWhileAnOrderIsCalledOff) {
  for (const auto after_failure : {kStops, kGoesOn}) {
    SCOPED_TRACE(NameOf(after_failure));
    AtEveryCall([&](int number, Fault fault) {
      HandoverWorld world(after_failure);
      world.Hook([&](const std::string& order) {
        if (order != "10.0.0.9:26379 SENTINEL FAILOVER g") return;
        world.fleet.sentinel(kS3).tilt = true;
        world.network.FailCall(number, fault);
      });
      world.Run();
      world.CheckEnd();
      return world.network.faults() > 0;
    });
  }
}

TEST(HandoverTest, HoldsWheneverItIsInterrupted) {
  for (const auto after_failure : {kStops, kGoesOn}) {
    for (const std::optional<Endpoint>& to : {std::optional<Endpoint>(), std::optional(kC)}) {
      SCOPED_TRACE(NameOf(after_failure) + (to ? ", to a preferred one" : ""));
      int number = 0;
      for (bool interrupted = true; interrupted; ++number) {
        SCOPED_TRACE("wait " + std::to_string(number));
        HandoverWorld world(after_failure);
        world.terms.to = to;
        interrupted = world.RunInterrupted(number);
        const auto& outcome = world.handover->outcome();
        // Once a Sentinel was asked, one that goes on is seen through to its end.
        const bool asked = world.CountOrders("FAILOVER") > 0;
        if (interrupted && after_failure == kStops && outcome.kind != Kind::kDone) {
          EXPECT_EQ(outcome.told, "interrupted");
        }
        if (after_failure == kGoesOn) {
          EXPECT_EQ(outcome.kind == Kind::kDone, asked) << outcome.told;
        }
        world.CheckEnd();
        ASSERT_LT(number, 500);
      }
      EXPECT_GT(number, 5);
    }
  }
}

}  // namespace
}  // namespace redis_zk::testing::handover_steps_test
