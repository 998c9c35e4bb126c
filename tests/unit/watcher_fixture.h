// What a watcher finds: a group with a master, two replicas and three Sentinels, all of them registered, at a
// ZooKeeper and a fleet in memory, through a session and a network that fail on demand, in a time that jumps.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "store/registry.h"
#include "store/sentinel_id.h"
#include "support/addresses.h"
#include "support/failing_network.h"
#include "support/fake_fleet.h"
#include "support/fake_pubsub.h"
#include "support/fake_time.h"
#include "support/fault_site.h"
#include "watcher/options.h"

namespace redis_zk::testing {

inline Endpoint SentinelAt(int number) { return {"10.0.0." + std::to_string(number), 26379}; }
inline std::string UuidOf(int number) {
  std::string uuid = "........-0000-4000-8000-000000000000";
  std::fill_n(uuid.begin(), 8, static_cast<char>('0' + number));
  return uuid;
}

struct WatcherSite {
  WatcherSite() {
    EXPECT_TRUE(other.groups.Ensure(kGroup));
    fleet.AddMaster(kA);
    fleet.AddReplica(kB, kA);
    fleet.AddReplica(kC, kA);
    for (const auto& endpoint : {kA, kB, kC}) RegisterMember(endpoint);
    for (const int number : {1, 2, 3}) {
      AddSentinel(number);
      EXPECT_TRUE(other.sentinels.Register({UuidOf(number), SentinelAt(number)}));
    }
    EXPECT_TRUE(other.records.Write(kGroup, Record(), {kA, 1, "first"}, ""));
  }
  WatcherSite(const WatcherSite&) = delete;
  WatcherSite& operator=(const WatcherSite&) = delete;

  // It runs, and is not registered.
  void AddSentinel(int number) {
    auto& sentinel = fleet.AddSentinel(SentinelAt(number), kGroup, kA);
    sentinel.id = store::SentinelIdOf(UuidOf(number));
    sentinel.groups.at(kGroup).config_epoch = 1;
  }
  void RegisterMember(const Endpoint& endpoint) {
    EXPECT_TRUE(other.members.Register(
        kGroup,
        {.uuid = endpoint.host, .endpoint = endpoint, .node = "node-" + endpoint.host, .serving = true}));
  }
  FakeFleet::Monitored& Monitored(int number) { return fleet.sentinel(SentinelAt(number)).groups.at(kGroup); }
  // The Sentinel has heard of a failover.
  void Tell(int number, const Endpoint& master, std::uint64_t epoch) {
    Monitored(number).master = master;
    Monitored(number).config_epoch = epoch;
  }
  // A failover to `promoted` that all Sentinels have heard of.
  void FailOver(const Endpoint& promoted, std::uint64_t epoch) {
    for (const auto& endpoint : {kA, kB, kC}) {
      auto& redis = fleet.redis(endpoint);
      redis.role = endpoint == promoted ? redis::Role::kMaster : redis::Role::kReplica;
      redis.master = promoted;
    }
    for (const int number : {1, 2, 3}) Tell(number, promoted, epoch);
  }

  // As another client sees it.
  store::Record Record() {
    const auto record = other.records.Read(kGroup, zookeeper::Watch::kNo);
    EXPECT_TRUE(record) << record.error().message;
    return record.value_or(store::Record{});
  }

  FakeTime time;
  FakeFleet fleet{time};
  FailingNetwork network{fleet.network()};
  FakeZooKeeper zookeeper;
  std::vector<zookeeper::SessionEvent> events;  // that `session` has told of
  FailingSession session{
      OpenFake(zookeeper, [this](const zookeeper::SessionEvent& event) { events.push_back(event); })};
  store::Registry registry{session, "/redis"};
  std::unique_ptr<zookeeper::Session> other_session = OpenFake(zookeeper);
  store::Registry other{*other_session, "/redis"};
  watcher::WatcherOptions options{
      .common = {.zk_root = "/redis",
                 .zk_session_timeout = 2s,
                 .zk_connect_timeout = 5s,
                 .master_name = kGroup},
      .update_master = watcher::UpdateMasterMode::kOn,
      .clean_up = watcher::CleanUpMode::kOn,
      .clean_up_patience = 10s,
      .listen = {"127.0.0.1", 1},
  };
};

}  // namespace redis_zk::testing
