// A group whose master hands over: clients that write to it all the time, replicas that copy a moment later,
// and what must hold at every change.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "failover/handover.h"
#include "support/addresses.h"
#include "support/failing_network.h"
#include "support/fake_fleet.h"
#include "support/fake_time.h"

namespace redis_zk::testing {

inline const Endpoint kS1{"10.0.0.7", 26379};
inline const Endpoint kS2{"10.0.0.8", 26379};
inline const Endpoint kS3{"10.0.0.9", 26379};

class HandoverWorld {
 public:
  using Handover = failover::Handover;
  using AfterFailure = Handover::AfterFailure;
  using Kind = Handover::Outcome::Kind;

  explicit HandoverWorld(AfterFailure after_failure);

  // Until it is over, within `longest`.
  const Handover::Outcome& Run(Duration longest = 60s);
  // Runs, and interrupts at the wait `number`. False: it was over before.
  bool RunInterrupted(int number);

  // What must hold at the end, whatever failed: the outcome was told truly, nothing that was acknowledged is
  // lost, settings are as they were, and so it stays. Of the first two at every change, too.
  void CheckEnd();

  void Hook(std::function<void(const std::string& order)> hook) { hook_ = std::move(hook); }
  bool TakesWrites(const Endpoint& server);
  int CountOrders(const std::string& part) const;
  std::optional<Endpoint> promoted() const { return promoted_; }

  FakeTime time;
  FakeFleet fleet{time};
  FailingNetwork network{fleet.network()};
  // Replicas that get no writes any more, although they stay linked.
  std::vector<Endpoint> stuck;
  Handover::Terms terms;
  std::unique_ptr<Handover> handover;

 private:
  void Tick();
  void Check();
  void CheckSettings();
  void DriveOnce(TimePoint wake);

  const std::unique_ptr<redis::KeptServer> own_;
  std::function<void(const std::string& order)> hook_ = [](const std::string&) {};
  TimePoint start_;
  std::optional<Endpoint> promoted_;
  std::int64_t promoted_with_ = 0;  // its offset when it was
  std::int64_t acknowledged_ = 0;   // what clients wrote to the old master
  Duration writes_every_ = 10ms;
  bool failed_ = false;  // once is enough
};

inline HandoverWorld::HandoverWorld(AfterFailure after_failure) : own_(network.network().redis.Keep(kA)) {
  fleet.AddMaster(kA);
  fleet.AddReplica(kB, kA);
  fleet.AddReplica(kC, kA);
  for (const auto& sentinel : {kS1, kS2, kS3}) {
    auto& added = fleet.AddSentinel(sentinel, "g", kA);
    added.promotes_after = 20ms;
    added.ends_after = 50ms;
    terms.sentinels.push_back({sentinel, added.id});
  }
  terms.group = "g";
  terms.server = terms.announced = kA;
  terms.recorded = true;
  terms.after_failure = after_failure;
  terms.timeout = 10s;
  if (after_failure == AfterFailure::kItStops) terms.own = own_.get();
  fleet.on_change = [this](const std::string& order) {
    hook_(order);
    Check();
  };
  Tick();
}

inline bool HandoverWorld::TakesWrites(const Endpoint& server) {
  const auto& redis = fleet.redis(server);
  return redis.state == FakeFleet::State::kAnswers && redis.role == redis::Role::kMaster &&
         Clock::now() >= redis.paused_until;
}

inline int HandoverWorld::CountOrders(const std::string& part) const {
  return static_cast<int>(std::count_if(fleet.orders.begin(), fleet.orders.end(), [&](const auto& order) {
    return order.find(part) != std::string::npos;
  }));
}

inline void HandoverWorld::Tick() {
  for (const auto& replica : {kA, kB, kC}) {
    auto& redis = fleet.redis(replica);
    if (redis.role != redis::Role::kReplica || !redis.link_up || redis.state != FakeFleet::State::kAnswers ||
        std::find(stuck.begin(), stuck.end(), replica) != stuck.end())
      continue;
    redis.offset = fleet.redis(redis.master).offset;
  }
  for (const auto& server : {kA, kB, kC}) {
    if (!TakesWrites(server)) continue;
    fleet.redis(server).offset += 100;
    if (server == kA) acknowledged_ = fleet.redis(kA).offset;
  }
  Check();
  time.At(Clock::now() + writes_every_, [this] { Tick(); });
}

inline void HandoverWorld::Check() {
  if (failed_) return;
  for (const auto& replica : {kB, kC}) {
    if (fleet.redis(replica).role != redis::Role::kMaster || promoted_ == replica) continue;
    EXPECT_FALSE(promoted_) << "a second replica was promoted";
    failed_ = promoted_.has_value();
    promoted_ = replica;
    promoted_with_ = fleet.redis(replica).offset;
  }
  const int masters = TakesWrites(kA) + TakesWrites(kB) + TakesWrites(kC);
  EXPECT_LE(masters, 1) << "masters take writes at once";
  if (promoted_) {
    EXPECT_GE(promoted_with_, acknowledged_) << "acknowledged writes are lost";
  }
  failed_ = failed_ || masters > 1 || (promoted_ && promoted_with_ < acknowledged_);
}

inline void HandoverWorld::DriveOnce(TimePoint wake) {
  ASSERT_LT(wake, Clock::now() + 5s) << "a wait without a look";
  time.MoveTo(wake);
}

inline const failover::Handover::Outcome& HandoverWorld::Run(Duration longest) {
  if (!handover) {
    start_ = Clock::now();
    handover = std::make_unique<Handover>(network.network(), terms);
  }
  while (const auto wake = handover->Step()) {
    DriveOnce(*wake);
    if (Clock::now() - start_ > longest) {
      ADD_FAILURE() << "not over after " << longest.count() << " ms";
      static const Handover::Outcome kNone{};
      return kNone;
    }
  }
  return handover->outcome();
}

inline bool HandoverWorld::RunInterrupted(int number) {
  start_ = Clock::now();
  handover = std::make_unique<Handover>(network.network(), terms);
  for (int waits = 0; const auto wake = handover->Step(); ++waits) {
    DriveOnce(*wake);
    if (waits != number) continue;
    handover->Interrupt("interrupted");
    handover->Interrupt("and once more");
    Run();
    return true;
  }
  return false;
}

inline void HandoverWorld::CheckSettings() {
  for (const auto& server : {kA, kB, kC})
    EXPECT_EQ(fleet.redis(server).config.at("replica-priority"), "100") << server.ToAddress();
  for (const auto& sentinel : {kS1, kS2, kS3}) {
    const auto& group = fleet.sentinel(sentinel).groups.at("g");
    EXPECT_EQ(group.failover_timeout, 180s) << sentinel.ToAddress();
    EXPECT_EQ(group.down_after, 1s) << sentinel.ToAddress();
  }
}

inline void HandoverWorld::CheckEnd() {
  network.Heal();
  network.DeliverLate();
  CheckSettings();
  const auto& outcome = handover->outcome();
  const bool goes_on = terms.after_failure == AfterFailure::kItGoesOn;
  // Whose it was is stopped now.
  if (!goes_on) fleet.redis(kA).state = FakeFleet::State::kGone;
  if (outcome.kind == Kind::kDone) {
    EXPECT_EQ(promoted_, outcome.promoted) << outcome.told;
    EXPECT_EQ(fleet.redis(kA).role, redis::Role::kReplica) << outcome.told;
    EXPECT_EQ(fleet.redis(kA).master, outcome.promoted) << outcome.told;
  } else {
    EXPECT_FALSE(outcome.told.empty());
  }
  if (outcome.kind == Kind::kRefused) {
    EXPECT_EQ(CountOrders("FAILOVER"), 0) << outcome.told;
  }
  if (outcome.kind == Kind::kUndecided) return;
  // Whatever is still under way comes true, and every pause ends.
  writes_every_ = 1s;
  time.Advance(90s);
  if (outcome.kind != Kind::kDone) {
    EXPECT_FALSE(promoted_) << outcome.told;
    EXPECT_EQ(TakesWrites(kA), goes_on) << outcome.told;
  } else {
    EXPECT_TRUE(TakesWrites(outcome.promoted)) << outcome.told;
  }
}

}  // namespace redis_zk::testing
