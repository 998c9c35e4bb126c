// A whole redis-wrapper at a ZooKeeper, a fleet and a redis-server in memory, in a time that jumps: what a
// test plans happens while it runs.
#pragma once

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "redis-wrapper/dataset.h"
#include "redis-wrapper/wrapper.h"
#include "store/sentinel_id.h"
#include "support/addresses.h"
#include "support/failing_network.h"
#include "support/fake_fleet.h"
#include "support/fake_servers.h"
#include "support/fault_site.h"
#include "unit/files.h"
#include "unit/log_fixture.h"
#include "unit/signals_fixture.h"

namespace redis_zk::testing {

inline const Endpoint kSentinel{"10.0.0.7", 26379};

struct WrapperSite {
  WrapperSite() {
    options.common = {
        .zk_root = "/redis", .zk_session_timeout = 2s, .zk_connect_timeout = 2s, .master_name = kGroup};
    options.server = {.work_dir = dir.path().string(),
                      .run_dir = dir.path().string(),
                      .master_wait_timeout = 60s,
                      .start_timeout = 10s,
                      .stop_timeout = 10s,
                      .bind = self,
                      .announce = self};
    options.redis_conf = WriteFile(dir.path() / "redis.conf", "dir " + dir.path().string() + "\n");
    // Those in memory need none.
    options.redis_server_bin = "/nonexistent/redis-server";
    options.handover_timeout = 5s;
    options.cold_start_wait = 2s;
    options.fence_patience = 2s;
  }

  // Runs the wrapper to its end: its exit code. `begins` is called when its session exists.
  int Run(const BlockedSignals& signals, const std::function<void()>& begins = nullptr) {
    redis_wrapper::Wrapper wrapper(options, signals, {FailingSessions(zookeeper, session), network.network()},
                                   servers.Launcher());
    if (begins) begins();
    return wrapper.Run();
  }

  void After(Duration duration, std::function<void()> what) {
    time.At(Clock::now() + duration, std::move(what));
  }
  void StopAfter(Duration duration, int number = SIGTERM) {
    After(duration, [loop = pthread_self(), number] { pthread_kill(loop, number); });
  }
  // Looks at what there is then, and asks the wrapper to stop.
  void LookAfter(Duration duration, std::function<void()> look) {
    After(duration, [this, loop = pthread_self(), look = std::move(look)] {
      looked = true;
      look();
      pthread_kill(loop, SIGTERM);
    });
  }

  FakeFleet::Redis& own() { return fleet.redis(self); }
  store::Record Record() {
    return other.records.Read(kGroup, zookeeper::Watch::kNo).value_or(store::Record{});
  }
  // As registered; nothing: it is not.
  std::optional<store::Member> MemberAt(const Endpoint& endpoint) {
    const auto members = other.members.List(kGroup, zookeeper::Watch::kNo);
    if (!members) return std::nullopt;
    for (const auto& member : *members) {
      if (member.endpoint == endpoint) return member;
    }
    return std::nullopt;
  }

  // What others do.
  void WriteRecord(const Endpoint& master, std::uint64_t epoch = 1) {
    ASSERT_TRUE(other.groups.Ensure(kGroup));
    ASSERT_TRUE(
        other.records.Write(kGroup, Record(), {.master = master, .epoch = epoch, .reason = "test"}, ""));
  }
  void RegisterMember(const Endpoint& endpoint, bool serving = true, const store::Dataset& dataset = {},
                      std::int64_t priority = store::kDefaultPriority) {
    ASSERT_TRUE(other.groups.Ensure(kGroup));
    const std::string name = "of-" + endpoint.host;
    ASSERT_TRUE(other.members.Register(kGroup, {.uuid = name,
                                                .endpoint = endpoint,
                                                .node = name,
                                                .dataset = dataset,
                                                .serving = serving,
                                                .priority = priority}));
  }
  void Unregister(const Endpoint& endpoint) {
    ASSERT_TRUE(other_session->Delete("/redis/members/master1/of-" + endpoint.host, zookeeper::kAnyVersion));
  }
  // Nothing: no data of it are known.
  std::optional<store::KnownDataset> KnownOf(const std::string& node) {
    const auto known = other.datasets.List(kGroup);
    if (!known) return std::nullopt;
    for (const auto& each : *known) {
      if (each.node == node) return each;
    }
    return std::nullopt;
  }
  // What the group knows of its data.
  void ReportData(const Endpoint& endpoint, const store::Dataset& dataset,
                  const store::FailedLoads& failed = {}, std::int64_t priority = store::kDefaultPriority) {
    ASSERT_TRUE(other.groups.Ensure(kGroup));
    ASSERT_TRUE(other.datasets.Report(kGroup, {.node = "of-" + endpoint.host,
                                               .endpoint = endpoint,
                                               .dataset = dataset,
                                               .failed = failed,
                                               .priority = priority}));
  }
  void WriteHistory(const std::string& replication_id) {
    ASSERT_TRUE(other.groups.Ensure(kGroup));
    ASSERT_TRUE(other.datasets.WriteHistory(kGroup, {.replication_id = replication_id, .offset = 1000}));
  }
  // A master that serves, with a registration and a history.
  FakeFleet::Redis& AddRecordedMaster(const Endpoint& master) {
    auto& added = fleet.AddMaster(master);
    WriteRecord(master);
    RegisterMember(master);
    WriteHistory(added.replication_id);
    return added;
  }
  void AddSentinel(const Endpoint& master) {
    ASSERT_TRUE(other.groups.Ensure(kGroup));
    const std::string uuid = "00000000-0000-4000-8000-000000000001";
    fleet.AddSentinel(kSentinel, kGroup, master).id = store::SentinelIdOf(uuid);
    ASSERT_TRUE(other.sentinels.Register({uuid, kSentinel}));
  }
  // Data on this node's disk.
  void WriteData(const std::string& replication_id, std::int64_t offset) {
    WriteFile(options.redis_conf, "dir " + dir.path().string() + "\nappendonly yes\n");
    WriteFile(dir.path() / "appendonly.aof", "data");
    ASSERT_TRUE(WriteNote(redis_wrapper::FindDataFiles(options.redis_conf, dir.path().string()),
                          {.node = "own", .replication_id = replication_id, .offset = offset}));
  }

  FakeTime time;
  FakeFleet fleet{time};
  FailingNetwork network{fleet.network()};
  FakeServers servers{fleet, time};
  FakeZooKeeper zookeeper;
  std::unique_ptr<zookeeper::Session> other_session = OpenFake(zookeeper);
  store::Registry other{*other_session, "/redis"};
  TempDir dir;
  const Endpoint self{"127.0.0.1", FreePort()};
  redis_wrapper::WrapperOptions options;
  FailingSession* session = nullptr;  // the wrapper's, while it runs
  bool looked = false;
};

class RedisWrapperTest : public SignalsTest {
 protected:
  // Stops the wrapper when it has had time to serve; `look` sees what there is before.
  static int RunAndLook(WrapperSite& site, const BlockedSignals& signals, const std::function<void()>& look,
                        const std::function<void()>& begins = nullptr) {
    site.LookAfter(30s, look);
    const int code = site.Run(signals, begins);
    EXPECT_TRUE(site.looked);
    return code;
  }

 private:
  const CapturedLog quiet_;
};

}  // namespace redis_zk::testing
