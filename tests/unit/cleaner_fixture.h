// A cleaner at the group of watcher_fixture.h, whose Sentinels count some that are gone, and what has to hold
// at each of its steps.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "unit/watcher_fixture.h"
#include "watcher/cleaner.h"
#include "zookeeper/lock.h"

namespace redis_zk::testing {

inline const Endpoint kGone{"10.0.0.9", 6379};
inline constexpr int kGoneSentinel = 4;

// Runs something before INFO is asked for, and changes nothing else.
class WatchedServers final : public redis::Servers {
 public:
  explicit WatchedServers(Servers& inner) : inner_(inner) {}
  std::vector<Result<redis::Replies>> AskAll(const std::vector<Endpoint>& servers,
                                             const std::vector<redis::Command>& commands) override {
    if (before) before();
    return inner_.AskAll(servers, commands);
  }
  std::unique_ptr<redis::KeptServer> Keep(const Endpoint& server) override { return inner_.Keep(server); }

  std::function<void()> before;

 private:
  Servers& inner_;
};

struct CleanerSite : WatcherSite {
  explicit CleanerSite(watcher::CleanUpMode mode = watcher::CleanUpMode::kOn) {
    options.clean_up = mode;
    cleaner.emplace(options, redis::Network{servers, network.network().sentinels}, session, registry, recent);
  }

  // All Sentinels count a Sentinel that is gone; it was there before.
  void AddGoneSentinel() {
    AddSentinel(kGoneSentinel);
    fleet.sentinel(SentinelAt(kGoneSentinel)).state = FakeFleet::State::kGone;
  }
  void AddGoneReplica() {
    for (const int number : {1, 2, 3}) Monitored(number).replicas[kGone].down = true;
  }
  bool IsHaunted(int number) {
    const auto& group = Monitored(number);
    return group.replicas.contains(kGone) ||
           std::find(group.peers.begin(), group.peers.end(), SentinelAt(kGoneSentinel)) != group.peers.end();
  }
  bool IsHaunted() { return IsHaunted(1) || IsHaunted(2) || IsHaunted(3); }
  bool IsBlind(int number) {
    return Monitored(number).replicas.size() < 2 || Monitored(number).peers.size() < 2;
  }

  // One turn of the loop, with what holds at each of them.
  void Turn() {
    session.Maintain(Clock::now());
    const int blind = static_cast<int>(IsBlind(1)) + IsBlind(2) + IsBlind(3);
    const bool master_down = fleet.redis(kA).state != FakeFleet::State::kAnswers;
    const int before = Resets();
    watcher::RegistryView known{.sentinels = other.sentinels.List(zookeeper::Watch::kNo).value()};
    for (const auto& group : group_names) {
      const auto record = other.records.Read(group, zookeeper::Watch::kNo);
      known.groups.emplace(group, record ? *record : store::Record{});
    }
    known.members = other.members.ListAll(group_names).value();
    if (observed) cleaner->Notice(*observed, known);
    cleaner->Step(known, [this](const std::string& /*group*/) { return paused; });
    const int resets = Resets() - before;
    EXPECT_LE(resets, 1) << "one Sentinel at a time";
    if (resets > 0) {
      EXPECT_FALSE(master_down) << "that would make the group unrecoverable";
      EXPECT_EQ(blind, 0) << "the one before has not found everyone again";
      EXPECT_TRUE(HoldsLock());
      EXPECT_FALSE(paused);
    }
  }
  void TurnFor(Duration duration) {
    for (const TimePoint end = Clock::now() + duration; Clock::now() < end; time.Advance(1s)) Turn();
  }
  // Returns whether it was in time.
  bool TurnUntil(const std::function<bool()>& done, Duration within) {
    for (const TimePoint end = Clock::now() + within; Clock::now() < end; time.Advance(1s)) {
      if (done()) return true;
      Turn();
    }
    return done();
  }

  int Resets() const {
    return static_cast<int>(std::count_if(
        fleet.orders.begin(), fleet.orders.end(),
        [](const std::string& order) { return order.find("SENTINEL RESET") != std::string::npos; }));
  }
  // The first contender is ours.
  bool HoldsLock() {
    auto contenders = other_session->Children("/redis/cleanup", zookeeper::Watch::kNo).value();
    if (contenders.empty()) return false;
    const auto first = std::min_element(
        contenders.begin(), contenders.end(), [](const std::string& a, const std::string& b) {
          return zookeeper::ContenderSequence(a) < zookeeper::ContenderSequence(b);
        });
    return other_session->Get("/redis/cleanup/" + *first, zookeeper::Watch::kNo)->stat.ephemeral_owner ==
           session.id();
  }

  std::vector<std::string> group_names{kGroup};
  bool paused = false;
  std::optional<watcher::FleetStatus> observed;  // what the observer has found
  watcher::RecentEvents recent;
  WatchedServers servers{network.network().redis};
  std::optional<watcher::Cleaner> cleaner;
};

}  // namespace redis_zk::testing
