#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "store/sentinel_id.h"
#include "watcher/doctor/checks.h"
#include "watcher/doctor/report.h"

namespace redis_zk::testing::doctor_test {
namespace {

using redis::Role;
using store::Record;
using watcher::doctor::CheckResult;
using watcher::doctor::Checkup;
using watcher::doctor::Finding;
using watcher::doctor::RunChecks;
using watcher::doctor::Severity;

const Endpoint kMaster{"10.0.0.1", 6379};
const Endpoint kReplica{"10.0.0.2", 6379};
const Endpoint kOther{"10.0.0.3", 6379};

// An installation with which nothing is wrong, to be spoilt by a row.
struct Scene {
  Checkup checkup;

  Scene() {
    checkup.zookeepers = 3;
    checkup.credentials = true;
    checkup.topology = {.default_group = "g", .zookeeper_connected = true};
    auto& group = checkup.status.groups["g"];
    group.record = Record{.state = Record::State::kMaster, .master = kMaster, .epoch = 3};
    group.master = {.endpoint = kMaster, .info = redis::ServerInfo{.role = Role::kMaster}};
    for (const auto& endpoint : {kReplica, kOther}) {
      group.replicas.push_back(
          {.endpoint = endpoint,
           .info = redis::ServerInfo{.role = Role::kReplica, .master = kMaster, .link_up = true}});
    }
    for (const auto& endpoint : {kMaster, kReplica, kOther}) {
      checkup.redis.push_back({{.endpoint = endpoint, .error = {}, .version = "7.0.15"},
                               "g",
                               12,
                               {{"maxclients", "10000"},
                                {"maxmemory", "1000000"},
                                {"maxmemory-policy", "noeviction"},
                                {"min-replicas-to-write", "0"},
                                {"appendonly", "yes"},
                                {"save", ""}}});
      checkup.redis.back().clock_ahead = 0s;
      checkup.topology.serving["g"].insert(endpoint);
    }
    for (const char* host : {"10.0.1.1", "10.0.1.2", "10.0.1.3"}) AddSentinel(host);
  }

  void AddSentinel(const std::string& host) {
    const Endpoint endpoint{host, 26379};
    checkup.topology.sentinels.push_back({.uuid = "uuid-of-" + host, .endpoint = endpoint});
    group().sentinels.push_back(
        {.endpoint = endpoint,
         .report = sentinel::SentinelReport{
             .sentinel = endpoint, .master = kMaster, .quorum = 2, .down_after = 5s}});
    checkup.sentinels.push_back({{.endpoint = endpoint, .error = {}, .version = "7.0.15"}, {{"g", {}}}});
  }
  void RemoveSentinels(std::size_t left) {
    checkup.topology.sentinels.resize(left);
    group().sentinels.resize(left);
    checkup.sentinels.resize(left);
  }
  watcher::GroupStatus& group() { return checkup.status.groups.at("g"); }
  redis::ServerInfo& master() { return *group().master->info; }
  void Set(const char* setting, const char* value) {
    for (auto& redis : checkup.redis) redis.settings[setting] = value;
  }
};

std::vector<std::pair<std::string, Finding>> FindingsOf(const Checkup& checkup) {
  std::vector<std::pair<std::string, Finding>> all;
  for (const auto& result : RunChecks(checkup)) {
    for (const auto& finding : result.findings) all.emplace_back(result.name, finding);
  }
  return all;
}

TEST(DoctorTest, FindsNothingInAnInstallationThatIsWell) {
  const Scene scene;
  for (const auto& [check, finding] : FindingsOf(scene.checkup)) ADD_FAILURE() << check << finding.sentence;
}

TEST(DoctorTest, SaysWhatIsWrong) {
  struct Row {
    const char* name;
    std::function<void(Scene&)> spoil;
    const char* check;
    Severity severity;
    const char* says;
  };
  constexpr auto kError = Severity::kError;
  constexpr auto kWarning = Severity::kWarning;
  constexpr auto kAdvice = Severity::kAdvice;
  for (const Row& row : std::initializer_list<Row>{
           {"nothing is there yet",
            [](Scene& s) {
              s.checkup.status.groups.clear();
              s.checkup.redis.clear();
            },
            "status", kWarning, "no group has a node"},
           {"no master is recorded", [](Scene& s) { s.group().record = {}; s.group().master.reset(); },
            "status", kError, "no master is recorded; see watcher explain g"},
           {"the master is a replica", [](Scene& s) { s.master().role = Role::kReplica; }, "status", kError,
            "10.0.0.1:6379 does not serve as master"},
           {"the watcher would warn", [](Scene& s) { s.group().warnings = {"first", "second"}; }, "status",
            kWarning, "2 warnings now, the first: first; see watcher status g"},
           {"one ZooKeeper", [](Scene& s) { s.checkup.zookeepers = 1; }, "zookeeper", kAdvice,
            "names one ZooKeeper server"},
           {"four ZooKeepers", [](Scene& s) { s.checkup.zookeepers = 4; }, "zookeeper", kAdvice,
            "names 4 ZooKeeper servers: an even number"},
           {"ZooKeeper is slow", [](Scene& s) { s.checkup.zookeeper_took = 250ms; }, "zookeeper", kWarning,
            "took 250 ms"},
           {"ZooKeeper is open to all", [](Scene& s) { s.checkup.credentials = false; }, "znodes", kWarning,
            "ZK_USERNAME is not set"},
           {"a znode is open", [](Scene& s) { s.checkup.topology.open_znodes = {1, "/redis/x"}; }, "znodes",
            kWarning, "/redis/x for one"},
           {"a Redis is not reached", [](Scene& s) { s.checkup.redis[1].error = "no route to host"; },
            "reachability", kError,
            "Redis 10.0.0.2:6379 does not answer this machine: no route to host; check ANNOUNCE_IP"},
           {"a Sentinel is not reached", [](Scene& s) { s.checkup.sentinels[2].error = "timeout"; },
            "reachability", kError, "Sentinel 10.0.1.3:26379 does not answer this machine: timeout"},
           {"a Redis refuses CONFIG",
            [](Scene& s) { s.checkup.redis[1].settings.clear(); },
            "settings", kWarning, "10.0.0.2:6379 refuses CONFIG GET: min-replicas, persistence"},
           {"a name is unknown",
            [](Scene& s) {
              s.checkup.names.push_back({"redis1", Fail(ErrorKind::kUnavailable, "no such name"), 1ms});
            },
            "names", kError, "redis1 cannot be resolved on this machine: no such name"},
           {"a name stands for two", [](Scene& s) { s.checkup.names.push_back({"redis1", {{"10.0.0.1", "10.0.0.2"}}, 1ms}); },
            "names", kWarning, "redis1 stands for 2 addresses, 10.0.0.1, 10.0.0.2"},
           {"a name takes long", [](Scene& s) { s.checkup.names.push_back({"redis1", {{"10.0.0.1"}}, 900ms}); },
            "names", kWarning, "redis1 took 900 ms"},
           {"a Redis is slow", [](Scene& s) { s.checkup.redis[0].round_trip = 300ms; }, "latency", kWarning,
            "Redis 10.0.0.1:6379 takes 300 ms"},
           {"a clock is ahead", [](Scene& s) { s.checkup.redis[0].clock_ahead = 90s; }, "clocks", kWarning,
            "the clock of Redis 10.0.0.1:6379 is 90 s ahead of this machine's"},
           {"a clock is behind", [](Scene& s) { s.checkup.redis[0].clock_ahead = -3s; }, "clocks", kWarning,
            "is 3 s behind this machine's"},
           {"two Sentinels", [](Scene& s) { s.RemoveSentinels(2); }, "quorum", kWarning,
            "2 Sentinels are registered: a failover takes more than half"},
           {"four Sentinels", [](Scene& s) { s.AddSentinel("10.0.1.4"); }, "quorum", kAdvice,
            "4 Sentinels are registered: an even number"},
           {"two of three Sentinels share a machine",
            [](Scene& s) { s.checkup.topology.sentinels[1].endpoint = {"10.0.1.1", 26380}; }, "quorum", kWarning,
            "2 of 3 Sentinels are on 10.0.1.1"},
           {"no quorum is possible",
            [](Scene& s) { for (auto& one : s.group().sentinels) one.report->quorum = 4; }, "quorum", kError,
            "SENTINEL_QUORUM is 4 and 3 Sentinels are registered"},
           {"the quorum takes all",
            [](Scene& s) { for (auto& one : s.group().sentinels) one.report->quorum = 3; }, "quorum", kWarning,
            "as many as there are Sentinels: without one of them no failover begins; lower it to 2"},
           {"one Sentinel is a quorum",
            [](Scene& s) { for (auto& one : s.group().sentinels) one.report->quorum = 1; }, "quorum", kAdvice,
            "raise it to 2"},
           {"quorums differ", [](Scene& s) { s.group().sentinels[0].report->quorum = 1; }, "quorum", kWarning,
            "different values of SENTINEL_QUORUM"},
           {"a short down-after",
            [](Scene& s) { for (auto& one : s.group().sentinels) one.report->down_after = 300ms; }, "down-after",
            kWarning, "SENTINEL_DOWN_AFTER_MS is 300"},
           {"a long down-after",
            [](Scene& s) { for (auto& one : s.group().sentinels) one.report->down_after = 60s; }, "down-after",
            kAdvice, "begins 60 s after"},
           {"down-afters differ", [](Scene& s) { s.group().sentinels[0].report->down_after = 6s; }, "down-after",
            kWarning, "different values of SENTINEL_DOWN_AFTER_MS"},
           {"a peer is not registered",
            [](Scene& s) {
              s.checkup.sentinels[0].known["g"].peers = {{.id = "gone", .endpoint = {"10.0.1.9", 26379}}};
            },
            "stale-entries", kWarning, "a Sentinel that is not registered, such as 10.0.1.9:26379"},
           {"a replica is gone",
            [](Scene& s) {
              s.checkup.sentinels[0].known["g"].replicas = {{.endpoint = {"10.0.0.9", 6379}, .down = true}};
            },
            "stale-entries", kAdvice, "a replica that is gone, such as 10.0.0.9:6379"},
           {"no replica", [](Scene& s) { s.group().replicas.clear(); }, "priorities", kWarning,
            "the master has no replica"},
           {"no replica may be promoted",
            [](Scene& s) { for (auto& one : s.group().replicas) one.info->priority = 0; }, "priorities",
            kWarning, "replica-priority is 0 on all 2 replicas"},
           {"too few replicas to write", [](Scene& s) { s.Set("min-replicas-to-write", "3"); }, "min-replicas",
            kError, "min-replicas-to-write is 3 and 2 replicas are attached"},
           {"just enough replicas to write", [](Scene& s) { s.Set("min-replicas-to-write", "2"); },
            "min-replicas", kWarning, "while one of them restarts"},
           {"the fence is raised", [](Scene& s) { s.Set("min-replicas-to-write", "65535"); }, "min-replicas",
            kError, "the fence is raised"},
           {"memory only", [](Scene& s) { s.Set("appendonly", "no"); }, "persistence", kAdvice,
            "kept in memory only"},
           {"the nodes persist differently",
            [](Scene& s) { s.checkup.redis[1].settings["appendonly"] = "no"; }, "persistence", kWarning,
            "an append-only file on 2 nodes, memory only on 1 node"},
           {"clients take nearly all room", [](Scene& s) { s.checkup.redis[0].clients = 8000; }, "clients",
            kWarning, "10.0.0.1:6379 has 8000 of at most 10000 clients"},
           {"descriptors limit the clients", [](Scene& s) { s.checkup.redis[0].settings["maxclients"] = "4064"; },
            "clients", kWarning, "as a limit of 4096 descriptors allows"},
           {"memory is not limited", [](Scene& s) { s.Set("maxmemory", "0"); }, "memory", kAdvice,
            "maxmemory is not set"},
           {"limits of memory differ", [](Scene& s) { s.checkup.redis[0].settings["maxmemory"] = "7"; },
            "memory", kWarning, "different values of maxmemory"},
           {"memory is nearly full",
            [](Scene& s) {
              s.master().max_memory = 1000000;
              s.master().used_memory = 900000;
            },
            "memory", kWarning, "uses 900.0 KB of maxmemory 1.0 MB"},
           {"a replica is older", [](Scene& s) { s.checkup.redis[1].version = "6.2.7"; }, "versions", kWarning,
            "replica 10.0.0.2:6379 runs Redis 6.2.7, older than the master's 7.0.15"},
           {"a replica is newer", [](Scene& s) { s.checkup.redis[1].version = "7.2.4"; }, "versions", kAdvice,
            "7.0.15, 7.2.4; finish the upgrade"},
           {"wrappers of two versions",
            [](Scene& s) { s.checkup.topology.versions = {{"0.2.0", 5}, {"before 0.2.0", 1}}; },
            "versions", kAdvice, "wrappers of several versions run: 5 of 0.2.0, 1 of before 0.2.0"},
           {"a Sentinel is older", [](Scene& s) { s.checkup.sentinels[0].version = "6.2.7"; }, "versions",
            kAdvice, "the Sentinels run different versions: 6.2.7, 7.0.15"},
           {"a server has no password",
            [](Scene& s) { 
              s.checkup.topology.wrappers = {
                  {.process = {.daemon = "redis-wrapper", .endpoint = kMaster}, .open = true}};
             }, "open-servers",
            kWarning, "10.0.0.1:6379"},
           {"a certificate ends soon",
            [](Scene& s) {
              s.checkup.topology.certificates = {
                  {"redis-wrapper", kMaster, {{.path = "/tls/node.crt", .expires = 86'400}}}};
            },
            "certificates", kWarning, "/tls/node.crt"},
           {"no overcommit where a Redis runs",
            [](Scene& s) { s.checkup.machine = {.servers = {kMaster}, .overcommit = "0"}; }, "machine", kWarning,
            "vm.overcommit_memory is 0 on this machine, which runs Redis 10.0.0.1:6379"},
           {"huge pages where Redis run",
            [](Scene& s) {
              s.checkup.machine = {.servers = {kMaster, kReplica}, .overcommit = "1", .huge_pages = "always"};
            },
            "machine", kAdvice, "this machine, which runs 2 of the Redis servers"}}) {
    SCOPED_TRACE(row.name);
    Scene scene;
    row.spoil(scene);
    const auto all = FindingsOf(scene.checkup);
    EXPECT_TRUE(std::any_of(all.begin(), all.end(), [&row](const auto& found) {
      return found.first == row.check && found.second.severity == row.severity &&
             found.second.sentence.find(row.says) != std::string::npos;
    })) << ::testing::PrintToString([&all] {
      std::vector<std::string> told;
      for (const auto& [check, finding] : all) told.push_back(check + ": " + finding.sentence);
      return told;
    }());
  }
}

TEST(DoctorTest, SaysNothingOfWhatIsWell) {
  struct Row {
    const char* name;
    std::function<void(Scene&)> change;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"a machine without a Redis", [](Scene& s) { s.checkup.machine.overcommit = "0"; }},
           {"a replica that Sentinels call down and that serves",
            [](Scene& s) {
              s.checkup.sentinels[0].known["g"].replicas = {{.endpoint = kReplica, .down = true}};
            }},
           {"a peer that is registered",
            [](Scene& s) {
              s.checkup.sentinels[0].known["g"].peers = {
                  {.id = store::SentinelIdOf("uuid-of-10.0.1.2"), .endpoint = {"10.0.1.2", 26379}}};
            }},
           {"one replica of two that may be promoted",
            [](Scene& s) { s.group().replicas[0].info->priority = 0; }},
           {"more clients than usual",
            [](Scene& s) { s.checkup.redis[1].settings["maxclients"] = "20000"; }}}) {
    SCOPED_TRACE(row.name);
    Scene scene;
    row.change(scene);
    for (const auto& [check, finding] : FindingsOf(scene.checkup)) ADD_FAILURE() << check << finding.sentence;
  }
}

TEST(DoctorTest, ReportsTheWorstFirst) {
  const std::vector<CheckResult> results{
      {"zookeeper", {{Severity::kAdvice, "", "run three"}}},
      {"quorum", {{Severity::kError, "g", "no failover"}, {Severity::kWarning, "", "two Sentinels"}}},
      {"clocks", {}},
      {"machine", {}, false}};
  EXPECT_EQ(RenderText(results, {}),
            "error    quorum     g: no failover\n"
            "warning  quorum     two Sentinels\n"
            "advice   zookeeper  run three\n"
            "well: clocks\n"
            "not checked: machine\n"
            "1 error, 1 warning, 1 for advice; docs/operate/doctor.md explains each\n");
  EXPECT_EQ(RenderJson(results),
            R"({"errors":1,"warnings":1,"advice":1,"findings":[)"
            R"({"severity":"error","check":"quorum","group":"g","sentence":"no failover",)"
            R"("docs":"docs/operate/doctor.md#quorum"},)"
            R"({"severity":"warning","check":"quorum","group":null,"sentence":"two Sentinels",)"
            R"("docs":"docs/operate/doctor.md#quorum"},)"
            R"({"severity":"advice","check":"zookeeper","group":null,"sentence":"run three",)"
            R"("docs":"docs/operate/doctor.md#zookeeper"}],"well":["clocks"],"not_checked":["machine"]})"
            "\n");
}

}  // namespace
}  // namespace redis_zk::testing::doctor_test
