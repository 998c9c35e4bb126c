// A sentinel-wrapper's group keeper at a ZooKeeper and a fleet in memory, for whole scenarios.
#pragma once

#include <algorithm>
#include <fstream>
#include <memory>
#include <optional>
#include <string>

#include "sentinel-wrapper/group_keeper.h"
#include "unit/log_fixture.h"
#include "unit/wrapper_fixture.h"

namespace redis_zk::testing {

class GroupKeeperTest : public WrapperTest {
 protected:
  static constexpr const char* kUuid = "11111111-1111-1111-1111-111111111111";
  // Of the default group, and of another one.
  const Endpoint master_{"10.0.0.1", 6379};
  const Endpoint replica_{"10.0.0.2", 6379};
  const Endpoint other_master_{"10.0.0.3", 6379};
  const Endpoint other_replica_{"10.0.0.4", 6379};

  GroupKeeperTest() { WriteConf("sentinel failover-timeout master1 20000\n"); }

  void WriteConf(const std::string& text) const { std::ofstream(options_.sentinel_conf) << text; }

  // A fleet with the default group, and the keeper of a Sentinel that monitors it.
  struct Site {
    explicit Site(GroupKeeperTest& test)
        : own(test.options_.server.bind),
          fleet(test.time_),
          network(fleet.network()),
          loop(zookeeper, test.signals(), test.options_.common, test.options_.server),
          keeper(*loop, test.options_, network.network(), network.network().sentinels) {
      AddGroup("master1", test.master_);
      fleet.AddSentinel(own, "master1", test.master_);
      Started(test.master_);
    }

    // Our Sentinel has been started, with the default group alone.
    void Started(const Endpoint& master) {
      keeper.Reset({.sentinel_id = {}, .groups = {{"master1", master, 1, {}}}, .peers = {}});
    }
    Result<sentinel_wrapper::Monitoring> Survey(const std::string& group, const store::Record& record) {
      return keeper.Survey({.uuid = kUuid, .endpoint = own}, group, record);
    }

    void Record(const std::string& group, const Endpoint& master, std::uint64_t epoch = 1) {
      EXPECT_TRUE(other.groups.Ensure(group));
      const auto record = other.records.Read(group, zookeeper::Watch::kNo);
      EXPECT_TRUE(other.records.Write(group, *record, {master, epoch, "in a test"}, ""));
    }
    void AddGroup(const std::string& group, const Endpoint& master) {
      fleet.AddMaster(master);
      Record(group, master);
    }
    // With all that the group's master has; registered.
    void AddReplica(const std::string& group, const Endpoint& replica, const Endpoint& master) {
      fleet.AddReplica(replica, master);
      Register(group, replica);
    }
    void Register(const std::string& group, const Endpoint& server, bool serving = true) {
      EXPECT_TRUE(other.members.Register(group, {.uuid = server.ToAddress(),
                                                 .endpoint = server,
                                                 .node = server.host,
                                                 .dataset = {},
                                                 .serving = serving}));
    }
    void Remove(const std::string& group) {
      EXPECT_TRUE(other.groups.Remove(group, *other.records.Read(group, zookeeper::Watch::kNo)));
    }
    // Its server is gone, and our Sentinel knows.
    void Die(const std::string& group, const Endpoint& master) {
      fleet.redis(master).state = FakeFleet::State::kGone;
      const auto monitored = fleet.sentinel(own).groups.find(group);
      if (monitored != fleet.sentinel(own).groups.end()) monitored->second.master_down = true;
    }

    // As the wrapper does it, until our Sentinel is to be restarted.
    std::optional<sentinel_wrapper::RestartRequest> LookFor(Duration duration) {
      const TimePoint end = Clock::now() + duration;
      while (Clock::now() < end) {
        if (auto restart = keeper.Look()) return restart;
        const TimePoint next = Clock::now() + 200ms;
        while (Clock::now() < next) loop->Pump(next);
        if (loop->TakeZooKeeperNews()) keeper.NoteNews();
      }
      return std::nullopt;
    }
    bool Monitors(const std::string& group) { return fleet.sentinel(own).groups.contains(group); }
    FakeFleet::Monitored& Monitored(const std::string& group) { return fleet.sentinel(own).groups.at(group); }
    // How often our Sentinel was given an order that begins like this.
    std::ptrdiff_t Count(const std::string& order) const {
      return std::count_if(fleet.orders.begin(), fleet.orders.end(),
                           [&](const auto& each) { return each.starts_with(own.ToAddress() + ' ' + order); });
    }

    const Endpoint own;
    FakeZooKeeper zookeeper;
    FakeFleet fleet;
    FailingNetwork network;
    std::unique_ptr<zookeeper::Session> other_session = OpenFake(zookeeper);
    store::Registry other{*other_session, "/redis"};
    FaultyLoop loop;
    sentinel_wrapper::GroupKeeper keeper;
  };

  const CapturedLog log_;
  sentinel_wrapper::WrapperOptions options_{.common = common_,
                                            .server = server_,
                                            .sentinel_conf = (dir_.path() / "sentinel.conf").string(),
                                            .quorum = 2,
                                            .down_after_ms = 1500,
                                            .info_period = 500ms};
};

}  // namespace redis_zk::testing
