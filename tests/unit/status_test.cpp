#include "watcher/status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/unix_time.h"
#include "watcher/members.h"

namespace redis_zk::testing::status_test {
namespace {

using redis::Role;
using redis::ServerInfo;
using sentinel::GroupReport;
using sentinel::SentinelReport;
using store::Record;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using watcher::Findings;
using watcher::FleetStatus;
using watcher::Summarize;
using watcher::Topology;

const TimePoint kNow = TimePoint{} + 100h;
const Endpoint kMaster{"10.0.0.1", 6379};
const Endpoint kReplica{"10.0.0.2", 6379};
const Endpoint kStranger{"10.0.0.9", 6379};

// A group as it was found, to be spoilt by a row.
struct Scene {
  Topology topology;
  Findings findings;
  FleetStatus earlier;

  Scene() {
    topology = {
        .default_group = "g",
        .sentinels = {{"u1", {"10.0.1.1", 26379}}, {"u2", {"10.0.1.2", 26379}}, {"u3", {"10.0.1.3", 26379}}},
        .known_at = kNow,
        .zookeeper_connected = true,
        .following = Endpoint{"10.0.1.1", 26379}};
    topology.groups["g"] = Record{.state = Record::State::kMaster, .master = kMaster, .epoch = 3};
    for (const auto& sentinel : topology.sentinels) {
      findings.reports["g"].emplace_back(GroupReport{.report = SentinelReport{.sentinel = sentinel.endpoint,
                                                                              .master = kMaster,
                                                                              .config_epoch = 3,
                                                                              .known_replicas = 1,
                                                                              .known_sentinels = 2,
                                                                              .quorum = 2},
                                                     .replicas = {{.endpoint = kReplica}}});
    }
    findings.servers.emplace(kMaster,
                             ServerInfo{.role = Role::kMaster, .replication_id = "id", .offset = 50'000'000});
    findings.servers.emplace(kReplica, ServerInfo{.role = Role::kReplica,
                                                  .replication_id = "id",
                                                  .offset = 49'999'000,
                                                  .master = kMaster,
                                                  .link_up = true});
  }

  ServerInfo& master() { return *findings.servers.at(kMaster); }
  ServerInfo& replica() { return *findings.servers.at(kReplica); }
  SentinelReport& sentinel(std::size_t i) { return findings.reports.at("g")[i]->report; }
  void Silence(const Endpoint& server) {
    findings.servers.at(server) = Fail(ErrorKind::kTimeout, server.ToAddress() + ": no answer");
  }
  void SilenceSentinel(std::size_t i) {
    findings.reports.at("g")[i] = Fail(ErrorKind::kTimeout, "no answer");
  }
  void RemoveReplica() {
    for (auto& report : findings.reports.at("g")) {
      if (report) report->replicas.clear();
    }
  }
  watcher::GroupStatus Summary() const { return Summarize(topology, findings, earlier, kNow).groups.at("g"); }
};

watcher::LongWait LongWait(const char* daemon, const Endpoint& endpoint, const char* name,
                           bool needs_person) {
  return {.wait = {.uuid = "u",
                   .group = "g",
                   .daemon = daemon,
                   .endpoint = endpoint,
                   .name = name,
                   .sentence = "why",
                   .needs_person = needs_person},
          .since = kNow - 42s};
}

TEST(SummarizeTest, SaysWhatIsWrong) {
  const std::string alone = "no replica follows the master: a failover or a planned stop has no candidate";
  struct Row {
    const char* name;
    std::function<void(Scene&)> spoil;
    std::vector<std::string> warnings;
  };
  for (const auto& [name, spoil, warnings] : std::initializer_list<Row>{
           {"all is well", [](Scene&) {}, {}},
           {"no record", [](Scene& scene) { scene.topology.groups["g"] = {}; }, {"no master is recorded"}},
           {"the master is silent",
            [](Scene& scene) { scene.Silence(kMaster); },
            {"the recorded master 10.0.0.1:6379 has not answered for 0 s"}},
           {"the master is somebody's replica",
            [](Scene& scene) {
              scene.master().role = Role::kReplica;
              scene.master().master = kStranger;
            },
            {"the recorded master 10.0.0.1:6379 is a replica of 10.0.0.9:6379"}},
           {"the master loads",
            [](Scene& scene) { scene.master().loading = true; },
            {"the recorded master 10.0.0.1:6379 is loading its data"}},
           {"the master misses replicas that its writes need",
            [](Scene& scene) { scene.master().good_replicas = 0; },
            {"the recorded master 10.0.0.1:6379 rejects writes: min-replicas-to-write is set, and no replica "
             "is "
             "fit"}},
           {"the fence of the master is raised",
            [](Scene& scene) {
              scene.master().good_replicas = 1;
              scene.findings.min_replicas[kMaster] = redis::kFencedMinReplicas;
            },
            {"the recorded master 10.0.0.1:6379 rejects writes: its fence is raised, for neither ZooKeeper "
             "nor "
             "more than half of the group confirm it"}},
           {"the master has fewer replicas than its writes need",
            [](Scene& scene) {
              scene.master().good_replicas = 1;
              scene.findings.min_replicas[kMaster] = 2;
            },
            {"the recorded master 10.0.0.1:6379 rejects writes: min-replicas-to-write is 2, and 1 replica is "
             "fit"}},
           {"the master has as many replicas as its writes need",
            [](Scene& scene) {
              scene.master().good_replicas = 1;
              scene.findings.min_replicas[kMaster] = 1;
            },
            {}},
           {"no replica", [](Scene& scene) { scene.RemoveReplica(); }, {alone}},
           {"the replica is silent",
            [](Scene& scene) { scene.Silence(kReplica); },
            {"replica 10.0.0.2:6379 has not answered for 0 s", alone}},
           {"a second master",
            [](Scene& scene) { scene.replica().role = Role::kMaster; },
            {"replica 10.0.0.2:6379 acts as master, too", alone}},
           {"the replica copies",
            [](Scene& scene) {
              scene.replica().synchronising = true;
              scene.replica().link_up = false;
            },
            {"replica 10.0.0.2:6379 is copying the master's data", alone}},
           {"the replica follows somebody else",
            [](Scene& scene) { scene.replica().master = kStranger; },
            {"replica 10.0.0.2:6379 follows 10.0.0.9:6379, not the recorded master", alone}},
           {"the link is down",
            [](Scene& scene) {
              scene.replica().link_up = false;
              scene.replica().link_down_for = 5s;
            },
            {"replica 10.0.0.2:6379 has had no link to its master for 5 s", alone}},
           {"the replica lags",
            [](Scene& scene) { scene.replica().offset = 38'000'000; },
            {"replica 10.0.0.2:6379 is 12.0 MB behind"}},
           {"the offsets do not compare",
            [](Scene& scene) {
              scene.replica().offset = 0;
              scene.replica().replication_id = "other";
            },
            {}},
           {"a replica has had no copy for long",
            [](Scene& scene) {
              scene.topology.incomplete["g"] = {{kReplica, kNow - 42s}};
            },
            {"10.0.0.2:6379 has had no complete copy of the data for 42 s; it cannot be promoted"}},
           {"a replica may have a copy by now, and cannot tell ZooKeeper",
            [](Scene& scene) {
              scene.topology.zookeeper_connected = false;
              scene.topology.incomplete["g"] = {{kReplica, kNow - 42s}};
            },
            {}},
           {"a replica has no copy yet",
            [](Scene& scene) {
              scene.topology.incomplete["g"] = {{kReplica, kNow - 1s}};
            },
            {}},
           {"a member has waited for long",
            [](Scene& scene) {
              scene.topology.waiting["g"] = {{.uuid = "u", .endpoint = kStranger, .since = kNow - 42s}};
            },
            {"redis-wrapper 10.0.0.9:6379 has waited for 42 s and does not serve; its log says why"}},
           {"a wrapper waits for a replica that is silent for us, too",
            [](Scene& scene) {
              scene.topology.waits["g"] = {LongWait("redis-wrapper", kReplica, "server-silent", false)};
              scene.Silence(kReplica);
            },
            {"replica 10.0.0.2:6379 has not answered for 0 s", alone}},
           {"a member says what it has waited for",
            [](Scene& scene) {
              scene.topology.waiting["g"] = {{.uuid = "u", .endpoint = kStranger, .since = kNow - 42s}};
              scene.topology.waits["g"] = {LongWait("redis-wrapper", kStranger, "start-lock", false)};
            },
            {"redis-wrapper 10.0.0.9:6379 has waited for 42 s: why"}},
           {"a wait needs a person",
            [](Scene& scene) {
              scene.topology.waits["g"] = {LongWait("sentinel-wrapper", kStranger, "credentials", true)};
            },
            {"sentinel-wrapper 10.0.0.9:6379 has waited for a person for 42 s: why"}},
           {"the watcher itself waits",
            [](Scene& scene) {
              scene.topology.waits["g"] = {LongWait("watcher", {}, "record", false)};
              scene.topology.waits["g"][0].wait.uuid.clear();
            },
            {}},
           {"it is paused",
            [](Scene& scene) { scene.topology.pauses["g"] = {.until = 1, .reason = "ended long ago"}; },
            {}},
           {"a member has just begun to wait",
            [](Scene& scene) {
              scene.topology.waiting["g"] = {{.uuid = "u", .endpoint = kStranger, .since = kNow - 9s}};
            },
            {}},
           {"no Sentinel",
            [](Scene& scene) {
              scene.topology.sentinels.clear();
              scene.findings.reports.clear();
              scene.earlier.groups["g"].master = {.endpoint = kMaster, .info = ServerInfo{}};
              scene.earlier.groups["g"].master->info->replicas = {{.endpoint = kReplica}};
            },
            {"no Sentinel is registered: a dead master is replaced by recovery alone, and late"}},
           {"no Sentinel, and the master is silent: ZooKeeper knows the replica",
            [](Scene& scene) {
              scene.topology.sentinels.clear();
              scene.findings.reports.clear();
              scene.topology.serving["g"] = {kMaster, kReplica};
              scene.Silence(kMaster);
              scene.replica().link_up = false;
              scene.replica().link_down_for = 5s;
            },
            {"the recorded master 10.0.0.1:6379 has not answered for 0 s",
             "replica 10.0.0.2:6379 has had no link to its master for 5 s",
             "no Sentinel is registered: a dead master is replaced by recovery alone, and late"}},
           {"no Sentinel takes our password",
            [](Scene& scene) {
              for (auto& report : scene.findings.reports.at("g"))
                report = Fail(ErrorKind::kRefused, "AUTH: WRONGPASS");
              scene.topology.serving["g"] = {kMaster, kReplica};
            },
            {"Sentinel 10.0.1.1:26379 refuses the watcher: AUTH: WRONGPASS",
             "Sentinel 10.0.1.2:26379 refuses the watcher: AUTH: WRONGPASS",
             "Sentinel 10.0.1.3:26379 refuses the watcher: AUTH: WRONGPASS",
             "only 0 of 3 Sentinels agree with the record",
             "no Sentinel answers this watcher: whether a failover is possible is unknown"}},
           {"a Sentinel is silent",
            [](Scene& scene) { scene.SilenceSentinel(1); },
            {"Sentinel 10.0.1.2:26379 does not answer", "only 2 of 3 Sentinels agree with the record"}},
           {"a Sentinel believes in another master",
            [](Scene& scene) { scene.sentinel(0).master = kStranger; },
            {"Sentinel 10.0.1.1:26379 reports 10.0.0.9:6379 as the master",
             "only 2 of 3 Sentinels agree with the record"}},
           {"a Sentinel does not find the master well",
            [](Scene& scene) { scene.sentinel(2).master_down = true; },
            {"Sentinel 10.0.1.3:26379 reports the master as down"}},
           {"a failover runs",
            [](Scene& scene) { scene.sentinel(2).failover_in_progress = true; },
            {"Sentinel 10.0.1.3:26379 runs a failover"}},
           {"a Sentinel counts stale entries",
            [](Scene& scene) { scene.sentinel(0).known_sentinels = 4; },
            {"Sentinel 10.0.1.1:26379 knows 5 Sentinels, but 3 are registered: a failover needs a majority "
             "of all that it knows"}},
           {"a Sentinel does not know its peers",
            [](Scene& scene) { scene.sentinel(0).known_sentinels = 1; },
            {"Sentinel 10.0.1.1:26379 knows only 2 of 3 Sentinels"}},
           {"too few for the quorum",
            [](Scene& scene) {
              scene.SilenceSentinel(0);
              scene.SilenceSentinel(1);
            },
            {"Sentinel 10.0.1.1:26379 does not answer", "Sentinel 10.0.1.2:26379 does not answer",
             "only 1 of 3 Sentinels agree with the record",
             "the quorum of 2 cannot be reached: 1 of 3 Sentinels answer"}},
           {"a quorum, and no majority",
            [](Scene& scene) {
              scene.SilenceSentinel(0);
              scene.SilenceSentinel(1);
              scene.sentinel(2).quorum = 1;
            },
            {"Sentinel 10.0.1.1:26379 does not answer", "Sentinel 10.0.1.2:26379 does not answer",
             "only 1 of 3 Sentinels agree with the record",
             "no failover is possible: 1 of 3 known Sentinels answer"}}}) {
    Scene scene;
    spoil(scene);
    EXPECT_EQ(scene.Summary().warnings, warnings) << name;
  }
}

TEST(SummarizeTest, RemembersSinceWhenSomebodyIsSilent) {
  Scene scene;
  scene.Silence(kMaster);
  scene.earlier.groups["g"].master = {.endpoint = kMaster, .silent_since = kNow - 7s};
  EXPECT_EQ(scene.Summary().master->silent_since, kNow - 7s);
  EXPECT_THAT(scene.Summary().warnings,
              ElementsAre("the recorded master 10.0.0.1:6379 has not answered for 7 s"));
  scene.earlier.groups["g"].master = {.endpoint = kMaster, .info = ServerInfo{}};
  EXPECT_EQ(scene.Summary().master->silent_since, kNow) << "it answered last time";
  scene.earlier.groups["g"].master = {.endpoint = kStranger, .silent_since = kNow - 7s};
  EXPECT_EQ(scene.Summary().master->silent_since, kNow) << "somebody else was silent";
}

TEST(SummarizeTest, RemembersSinceWhenClientsCanWrite) {
  Scene scene;
  const auto first = scene.Summary().writable;
  EXPECT_TRUE(first.is);
  EXPECT_TRUE(first.since_first_look) << "and perhaps for longer";
  scene.earlier.groups["g"].writable = {.is = true, .since = kNow - 7s, .since_first_look = true};
  scene.earlier.groups["g"].record = scene.topology.groups["g"];
  EXPECT_TRUE(scene.Summary().writable.since_first_look);
  EXPECT_EQ(scene.Summary().writable.since, kNow - 7s);
  scene.earlier.groups["g"].record.master = kReplica;
  EXPECT_EQ(scene.Summary().writable.since, kNow) << "another master";
  scene.earlier.groups["g"].record = scene.topology.groups["g"];
  struct Row {
    const char* name;
    std::function<void(Scene&)> spoil;
  };
  for (const auto& [name, spoil] :
       std::initializer_list<Row>{{"no record", [](Scene& each) { each.topology.groups["g"] = {}; }},
                                  {"silent", [](Scene& each) { each.Silence(kMaster); }},
                                  {"a replica", [](Scene& each) { each.master().role = Role::kReplica; }},
                                  {"loading", [](Scene& each) { each.master().loading = true; }},
                                  {"no fit replica", [](Scene& each) { each.master().good_replicas = 0; }}}) {
    Scene spoilt = scene;
    spoil(spoilt);
    const auto found = spoilt.Summary().writable;
    EXPECT_FALSE(found.is) << name;
    EXPECT_EQ(found.since, kNow) << name;
    EXPECT_FALSE(found.since_first_look) << name;
  }
  scene.master().good_replicas = 1;
  EXPECT_TRUE(scene.Summary().writable.is);
}

TEST(SummarizeTest, SaysWhyNoFailoverWouldFollow) {
  struct Row {
    const char* name;
    std::function<void(Scene&)> spoil;
    const char* risk;
  };
  for (const auto& [name, spoil, risk] : std::initializer_list<Row>{
           {"all is well", [](Scene&) {}, ""},
           {"the replica lags", [](Scene& scene) { scene.replica().offset = 38'000'000; }, ""},
           {"a Sentinel is silent", [](Scene& scene) { scene.SilenceSentinel(1); }, ""},
           {"no replica", [](Scene& scene) { scene.RemoveReplica(); },
            "no replica follows the master: a failover or a planned stop has no candidate"},
           {"too few for the quorum",
            [](Scene& scene) {
              scene.SilenceSentinel(0);
              scene.SilenceSentinel(1);
            },
            "the quorum of 2 cannot be reached: 1 of 3 Sentinels answer"},
           {"no Sentinel answers",
            [](Scene& scene) {
              for (std::size_t i = 0; i < 3; ++i) scene.SilenceSentinel(i);
              scene.topology.serving["g"] = {kMaster, kReplica};
            },
            "no Sentinel answers this watcher: whether a failover is possible is unknown"}}) {
    Scene scene;
    spoil(scene);
    EXPECT_EQ(scene.Summary().risk, risk) << name;
  }
}

TEST(SummarizeTest, TellsTheLag) {
  Scene scene;
  const auto lag = [&scene] {
    const auto group = scene.Summary();
    return watcher::LagOf(group, group.replicas.front());
  };
  EXPECT_EQ(lag(), 1000);
  scene.replica().offset = 50'000'100;
  EXPECT_EQ(lag(), 0) << "it was asked a moment later";
  scene.replica().replication_id = "other";
  EXPECT_FALSE(lag());
}

TEST(FindWaitingTest, RemembersSinceWhen) {
  const store::Member serving{.uuid = "s", .endpoint = kMaster, .serving = true};
  const store::Member waiting{.uuid = "w", .endpoint = kReplica, .dataset = {.bytes = 7}};
  const watcher::WaitingMember first{.uuid = "w", .endpoint = kReplica, .data_bytes = 7, .since = kNow};
  auto found = watcher::FindWaiting({{"g", {serving, waiting}}, {"h", {serving}}}, {}, kNow);
  ASSERT_EQ(found.size(), 1U) << "groups of which nobody waits are left out";
  EXPECT_THAT(found["g"], ElementsAre(first));
  EXPECT_THAT(watcher::FindWaiting({{"g", {serving, waiting}}}, found, kNow + 5s)["g"], ElementsAre(first));
  store::Member successor = waiting;
  successor.uuid = "x";
  EXPECT_EQ(watcher::FindWaiting({{"g", {successor}}}, found, kNow + 5s)["g"].front().since, kNow + 5s)
      << "another wrapper at the same address";
}

TEST(FindServingTest, LeavesOutWhoStarts) {
  const store::Member serving{.uuid = "a", .endpoint = kMaster, .serving = true};
  const store::Member starting{.uuid = "b", .endpoint = kReplica};
  EXPECT_EQ(watcher::FindServing({{"g", {serving, starting}}, {"h", {starting}}}),
            (std::map<std::string, std::set<Endpoint>>{{"g", {kMaster}}}));
}

TEST(FindPrioritiesTest, FindsWhatUsersSet) {
  const store::Member plain{.endpoint = {"10.0.0.2", 6379}};
  const store::Member backup{.endpoint = {"10.0.0.3", 6379}, .priority = 0};
  EXPECT_EQ(watcher::FindPriorities({{"g", {plain, backup}}, {"h", {plain}}}),
            (std::map<std::string, std::map<Endpoint, std::int64_t>>{{"g", {{{"10.0.0.3", 6379}, 0}}}}));
}

TEST(FindIncompleteTest, RemembersSinceWhen) {
  const store::Member complete{.uuid = "s", .endpoint = kMaster, .serving = true};
  const store::Member without{.uuid = "w", .endpoint = kReplica, .serving = true, .incomplete = true};
  const std::map<Endpoint, TimePoint> first{{kReplica, kNow}};
  const auto found = watcher::FindIncomplete({{"g", {complete, without}}, {"h", {complete}}}, {}, kNow);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.at("g"), first);
  EXPECT_EQ(watcher::FindIncomplete({{"g", {without}}}, found, kNow + 5s), found);
  EXPECT_TRUE(watcher::FindIncomplete({{"g", {complete}}}, found, kNow + 5s).empty());
}

TEST(FindLongWaitsTest, RemembersSinceWhenWhateverTheClocksSay) {
  constexpr std::int64_t kUnixNow = 1'700'000'100'000;
  struct Row {
    const char* name;
    std::int64_t since;
    std::optional<std::int64_t> until;
    Duration waited;
    std::optional<Duration> left;
  };
  for (const auto& [name, since, until, waited, left] :
       std::initializer_list<Row>{{"told at once", kUnixNow - 30'500, {}, 30'500ms, {}},
                                  {"known for long", kUnixNow - 100'000, kUnixNow + 5000, 100s, 5s},
                                  {"its clock is ahead", kUnixNow + 60'000, kUnixNow + 90'000, 30s, 90s},
                                  {"over, and still there", kUnixNow - 40'000, kUnixNow - 5000, 40s, 0s},
                                  {"no time at all", 0, {}, std::chrono::hours(24 * 365), {}}}) {
    const store::Wait wait{
        .uuid = "u", .group = "g", .endpoint = kStranger, .name = "a", .since = since, .until = until};
    const auto found = watcher::FindLongWaits({{.wait = wait}}, {}, kNow, kUnixNow);
    ASSERT_EQ(found.at("g").size(), 1U);
    EXPECT_EQ(found.at("g")[0].since, kNow - waited) << name;
    EXPECT_EQ(found.at("g")[0].until, left ? std::optional(kNow + *left) : std::nullopt) << name;
    EXPECT_EQ(watcher::FindLongWaits({{.wait = wait}}, found, kNow + 2s, kUnixNow + 2003), found) << name;
  }
}

TEST(WarningsOfTest, SpeakOfWhatAllGroupsNeed) {
  Topology topology = Scene().topology;
  EXPECT_THAT(WarningsOf(topology, kNow), IsEmpty());
  topology.following.reset();
  EXPECT_THAT(WarningsOf(topology, kNow),
              ElementsAre("no Sentinel is followed: failovers are detected late"));
  topology.zookeeper_connected = false;
  topology.known_at = kNow - 12s;
  EXPECT_EQ(WarningsOf(topology, kNow).front(), "ZooKeeper has been unreachable for 12 s");
  topology.known_at = {};
  EXPECT_EQ(WarningsOf(topology, kNow).front(), "ZooKeeper has not been read yet");
  const std::size_t before = WarningsOf(topology, kNow).size();
  topology.pauses["*"] = {.since = UnixTime() - 1000, .until = UnixTime() - 1, .reason = "ended"};
  topology.pauses["g"] = {.since = UnixTime(), .until = UnixTime() + 3'600'000, .reason = "of one group"};
  EXPECT_EQ(WarningsOf(topology, kNow).size(), before);
  topology.pauses["*"].until = UnixTime() + 3'600'000;
  EXPECT_THAT(WarningsOf(topology, kNow).back(),
              StartsWith("automatic changes of all groups are paused until "));
  topology.pauses.clear();
  topology.open_znodes = watcher::OpenZnodes{};
  EXPECT_EQ(WarningsOf(topology, kNow).size(), before);
  topology.open_znodes = watcher::OpenZnodes{1, "/redis/x"};
  EXPECT_EQ(WarningsOf(topology, kNow).back(),
            "1 znode is open to other users of ZooKeeper than ZK_USERNAME, /redis/x for one; set ZK_ACL to "
            "private or readable and run watcher secure-zookeeper");
  const auto add = [&topology](const char* daemon, const Endpoint& endpoint, bool open = true) {
    topology.wrappers.push_back({.process = {.daemon = daemon, .endpoint = endpoint}, .open = open});
  };
  add("sentinel-wrapper", {"10.0.0.9", 26379});
  for (const char* host : {"10.0.0.2", "10.0.0.1", "10.0.0.4", "10.0.0.3", "10.0.0.1"})
    add("redis-wrapper", {host, 6379});
  add("redis-wrapper", {"10.0.0.5", 6379}, /*open=*/false);
  const auto warnings = WarningsOf(topology, kNow);
  EXPECT_THAT(warnings.at(warnings.size() - 2),
              StartsWith("no password at 10.0.0.1:6379, 10.0.0.2:6379, 10.0.0.3:6379 and 1 more: any host on "
                         "the network can read, change and delete all data"));
  EXPECT_THAT(warnings.back(), StartsWith("no password at 10.0.0.9:26379: any host on the network can stop "
                                          "failovers, and move the master to another server; set "
                                          "SENTINEL_PASSWORD for all daemons"));
  topology.waits[""] = {LongWait("watcher", {}, "registry", false),
                        LongWait("watcher", {}, "sentinel", false)};
  EXPECT_EQ(WarningsOf(topology, kNow).back(), "watcher has waited for 42 s: why") << "the others are told";
}

}  // namespace
}  // namespace redis_zk::testing::status_test
