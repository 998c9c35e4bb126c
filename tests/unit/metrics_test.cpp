#include "watcher/web/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <initializer_list>
#include <string>

#include "base/unix_time.h"

namespace redis_zk::testing::metrics_test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using namespace watcher;  // NOLINT(google-build-using-namespace): all of it is the test's subject

const Endpoint kMaster{"10.0.0.1", 6379};
const Endpoint kReplica{"10.0.0.2", 6379};
const Endpoint kSentinel{"10.0.1.1", 26379};

store::Record Recorded() {
  store::Record record;
  record.state = store::Record::State::kMaster;
  record.master = kMaster;
  record.epoch = 3;
  return record;
}

ServerStatus Answers(const Endpoint& endpoint, redis::Role role, std::int64_t offset) {
  redis::ServerInfo info;
  info.role = role;
  info.link_up = role == redis::Role::kReplica;
  info.master = kMaster;
  info.replication_id = std::string(40, 'a');
  info.offset = offset;
  info.keys = 7;
  info.used_memory = 1000;
  return {.endpoint = endpoint, .info = info};
}

FleetStatus Well() {
  sentinel::SentinelReport report;
  report.sentinel = kSentinel;
  report.master = kMaster;
  report.known_sentinels = 2;
  report.quorum = 2;
  GroupStatus group;
  group.record = Recorded();
  group.master = Answers(kMaster, redis::Role::kMaster, 500);
  group.replicas = {Answers(kReplica, redis::Role::kReplica, 400)};
  group.sentinels = {{.endpoint = kSentinel, .report = report}};
  return {.observed_at = TimePoint{std::chrono::seconds(1)}, .groups = {{"master1", group}}};
}

std::string Render(const FleetStatus& status, const Counters& counters = {}) {
  Topology topology;
  topology.groups = {{"master1", Recorded()}};
  topology.sentinels = {{"uuid", kSentinel}};
  const web::RequestCounts requests;
  return web::RenderMetrics(topology, status, counters, {}, requests, {},
                            TimePoint{std::chrono::seconds(43)});
}

TEST(MetricsTest, TellOfAGroup) {
  const std::string text = Render(Well());
  for (const char* line : {
           "# TYPE redis_zk_master_up gauge",
           "redis_zk_master_up{group=\"master1\"} 1",
           "redis_zk_config_epoch{group=\"master1\"} 3",
           "redis_zk_replicas_attached{group=\"master1\"} 1",
           "redis_zk_replica_lag_bytes{group=\"master1\",replica=\"10.0.0.2:6379\"} 100",
           "redis_zk_sentinels_agreeing{group=\"master1\"} 1",
           "redis_zk_sentinels_known{group=\"master1\"} 3",
           "redis_zk_keys{group=\"master1\"} 7",
           "redis_zk_sentinels_registered 1",
           "redis_zk_observed_age_seconds 42",
           "redis_zk_record_changes_total{group=\"master1\"} 0",
           "redis_zk_http_requests_total{code=\"200\"} 0",
       })
    EXPECT_THAT(text, HasSubstr(std::string(line) + '\n'));
}

TEST(MetricsTest, TellWhatIsWrong) {
  struct Row {
    const char* name;
    void (*spoil)(GroupStatus&);
    const char* line;
  };
  for (const auto& [name, spoil, line] : std::initializer_list<Row>{
           {"silent master", [](GroupStatus& group) { group.master->info.reset(); },
            "master_up{group=\"master1\"} 0"},
           {"a replica where the master should be",
            [](GroupStatus& group) { group.master->info->role = redis::Role::kReplica; },
            "master_up{group=\"master1\"} 0"},
           {"link is down", [](GroupStatus& group) { group.replicas[0].info->link_up = false; },
            "replicas_attached{group=\"master1\"} 0"},
           {"a replica of another", [](GroupStatus& group) { group.replicas[0].info->master = kSentinel; },
            "replicas_attached{group=\"master1\"} 0"},
           {"silent replica", [](GroupStatus& group) { group.replicas[0].info.reset(); },
            "replicas_attached{group=\"master1\"} 0"},
           {"a Sentinel of another mind",
            [](GroupStatus& group) { group.sentinels[0].report->master = kReplica; },
            "sentinels_agreeing{group=\"master1\"} 0"},
           {"a Sentinel that finds it down",
            [](GroupStatus& group) { group.sentinels[0].report->master_down = true; },
            "sentinels_agreeing{group=\"master1\"} 0"},
           {"a Sentinel that is silent", [](GroupStatus& group) { group.sentinels[0].report.reset(); },
            "sentinels_agreeing{group=\"master1\"} 0"},
           {"nothing recorded", [](GroupStatus& group) { group.record.state = store::Record::State::kNone; },
            "master_recorded{group=\"master1\"} 0"}}) {
    FleetStatus status = Well();
    spoil(status.groups.at("master1"));
    EXPECT_THAT(Render(status), HasSubstr(std::string("redis_zk_") + line + '\n')) << name;
  }
}

TEST(MetricsTest, TellOfWaits) {
  Topology topology;
  topology.groups = {{"master1", Recorded()}};
  topology.zookeeper_connected = true;
  const TimePoint now{std::chrono::seconds(143)};
  const auto wait = [](const Endpoint& endpoint, const char* name, int since, bool needs_person = false) {
    return LongWait{.wait = {.uuid = "u", .endpoint = endpoint, .name = name, .needs_person = needs_person},
                    .since = TimePoint{std::chrono::seconds(since)}};
  };
  topology.waits["master1"] = {wait(kMaster, "start-lock", 100), wait(kMaster, "start-lock", 101),
                               wait(kReplica, "unrelated-data", 93, true), wait({}, "master", 103)};
  topology.waits[""] = {wait({}, "sentinel", 83)};
  const auto render = [&] { return web::RenderMetrics(topology, {}, {}, {}, web::RequestCounts(), {}, now); };
  const std::string own =
      "redis_zk_waiting_seconds{group=\"\",member=\"watcher\",reason=\"registry\",person=\"no\"} 0\n";
  const std::string lock =
      "redis_zk_waiting_seconds{group=\"master1\",member=\"10.0.0.1:6379\",reason=\"start-lock\",person="
      "\"no\"} ";
  EXPECT_THAT(render(), HasSubstr(own)) << "from 0 on";
  EXPECT_THAT(render(), HasSubstr(lock + "43\n"));
  EXPECT_THAT(render(), Not(HasSubstr(lock + "42\n"))) << "the same labels would spoil all metrics";
  EXPECT_THAT(render(), HasSubstr("member=\"10.0.0.2:6379\",reason=\"unrelated-data\",person=\"yes\"} 50\n"));
  EXPECT_THAT(render(),
              HasSubstr("group=\"master1\",member=\"watcher\",reason=\"master\",person=\"no\"} 40\n"));
  EXPECT_THAT(render(), HasSubstr("reason=\"sentinel\",person=\"no\"} 60\n"));
  topology.zookeeper_connected = false;
  EXPECT_THAT(render(), Not(HasSubstr("start-lock"))) << "what others wait for is not known any more";
  EXPECT_THAT(render(), HasSubstr("reason=\"sentinel\",person=\"no\"} 60\n"));
}

TEST(MetricsTest, TellHowTheWrappersAre) {
  Topology topology;
  const store::Report::Process process{
      .daemon = "redis-wrapper", .group = "master1", .endpoint = kMaster, .started = 1'700'000'000'500};
  store::Report replaced{.process = process};
  replaced.process.started = 1'600'000'000'000;
  const store::Report wrapper{
      .process = process,
      .fenced = true,
      .error = store::LoggedLine{1'700'000'001'000, "a", "an error"},
      .slow_turn = store::SlowTurn{UnixTime(), 2500},
      .zookeeper = {.sessions = 2},
      .past = {.exits = 3, .handover = store::HandoverEnd{1'700'000'002'000, false, "why"}}};
  store::Report of_a_sentinel{
      .process = {.daemon = "sentinel-wrapper", .group = "master1", .endpoint = kReplica},
      .slow_turn = store::SlowTurn{UnixTime() - 3'600'000, 9000}};
  topology.wrappers = {wrapper, replaced, of_a_sentinel};
  const std::string text = web::RenderMetrics(topology, {}, {}, {}, web::RequestCounts(), {}, TimePoint{});
  const std::string of_master = "{group=\"master1\",member=\"10.0.0.1:6379\"} ";
  for (const char* line : {"start_timestamp_seconds", "server_exits_total", "zookeeper_sessions_total",
                           "loop_slowest_seconds", "last_error_timestamp_seconds", "fenced",
                           "last_handover_failed", "last_handover_timestamp_seconds"}) {
    const std::string name = std::string("\nredis_zk_wrapper_") + line + of_master;
    EXPECT_THAT(text, HasSubstr(name));
    EXPECT_EQ(text.find(name), text.rfind(name)) << "the same labels twice would spoil all metrics";
  }
  for (const char* line :
       {"start_timestamp_seconds{} 1700000000.5", "server_exits_total{} 3", "zookeeper_sessions_total{} 2",
        "loop_slowest_seconds{} 2.5", "last_error_timestamp_seconds{} 1700000001", "fenced{} 1",
        "last_handover_failed{} 1", "last_handover_timestamp_seconds{} 1700000002"}) {
    std::string wanted = line;
    wanted.replace(wanted.find("{} "), 3, of_master);
    EXPECT_THAT(text, HasSubstr("redis_zk_wrapper_" + wanted + '\n'));
  }
  const std::string of_replica = "{group=\"master1\",member=\"10.0.0.2:6379\"} ";
  EXPECT_THAT(text, HasSubstr("redis_zk_wrapper_loop_slowest_seconds" + of_replica + "0\n")) << "it is old";
  EXPECT_THAT(text, HasSubstr("redis_zk_wrapper_server_exits_total" + of_replica + "0\n")) << "from 0 on";
  EXPECT_THAT(text, HasSubstr("redis_zk_wrapper_last_error_timestamp_seconds" + of_replica + "0\n"));
  for (const char* name : {"fenced", "last_handover_failed"})
    EXPECT_THAT(text, Not(HasSubstr("redis_zk_wrapper_" + (name + of_replica)))) << "it has none";
}

TEST(MetricsTest, LeaveOutWhatIsNotKnown) {
  FleetStatus status = Well();
  status.groups.at("master1").master.reset();
  status.groups.at("master1").replicas.clear();
  const std::string text = Render(status);
  for (const char* name : {"redis_zk_keys", "redis_zk_replica_lag_bytes", "redis_zk_memory_used_bytes",
                           "redis_zk_zookeeper_read_seconds"})
    EXPECT_THAT(text, Not(HasSubstr(name)));
}

TEST(MetricsTest, CountEachKindOfEventFromTheStart) {
  const std::string text = Render({}, {.kinds = {{"following", 2}, {"of-tomorrow", 1}}});
  for (const char* kind : event_kind::kAll)
    EXPECT_THAT(text, HasSubstr(std::string("redis_zk_events_total{kind=\"") + kind + "\"} "));
  EXPECT_THAT(text, HasSubstr("redis_zk_events_total{kind=\"zookeeper-lost\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("redis_zk_events_total{kind=\"following\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("redis_zk_events_total{kind=\"of-tomorrow\"} 1\n"));
}

TEST(MetricsTest, TellOfZooKeeper) {
  const auto render = [](bool connected, const ZooKeeperFigures& figures) {
    return web::RenderMetrics({.zookeeper_connected = connected}, {}, {}, {}, web::RequestCounts(), figures,
                              TimePoint{});
  };
  const ZooKeeperFigures figures{.connections = 3, .request_took = std::chrono::milliseconds(250)};
  EXPECT_THAT(render(true, figures), HasSubstr("redis_zk_zookeeper_connections_total 3\n"));
  EXPECT_THAT(render(true, figures), HasSubstr("redis_zk_zookeeper_request_seconds 0.25\n"));
  EXPECT_THAT(render(true, {}), HasSubstr("redis_zk_zookeeper_connections_total 0\n"));
  EXPECT_THAT(render(true, {}), Not(HasSubstr("redis_zk_zookeeper_request_seconds")));
  EXPECT_THAT(render(false, figures), Not(HasSubstr("redis_zk_zookeeper_request_seconds")));
}

TEST(MetricsTest, TellOfBehaviors) {
  const BehaviorStatus behavior{.name = "page", .queued = 3, .done = 7, .failed = 2, .dropped = 1};
  const std::string text = web::RenderMetrics({}, {}, {}, {behavior}, web::RequestCounts(), {}, TimePoint{});
  for (const char* line : {"behavior_queue_length{behavior=\"page\"} 3",
                           "behavior_events_total{behavior=\"page\",result=\"done\"} 7",
                           "behavior_events_total{behavior=\"page\",result=\"failed\"} 2",
                           "behavior_events_total{behavior=\"page\",result=\"dropped\"} 1"})
    EXPECT_THAT(text, HasSubstr(std::string("redis_zk_") + line + '\n'));
}

TEST(MetricsTest, AddUpFailoverDurations) {
  Counters counters;
  for (const std::int64_t outage : {1500, 1700, 200'000}) {
    Count({.kind = event_kind::kMasterChanged,
           .group = "master1",
           .fields = {{"from", "10.0.0.1:6379"}, {"outage_ms", outage}}},
          &counters);
  }
  const std::string text = Render(Well(), counters);
  for (const char* line :
       {"_bucket{group=\"master1\",le=\"1\"} 0", "_bucket{group=\"master1\",le=\"2\"} 2",
        "_bucket{group=\"master1\",le=\"120\"} 2", "_bucket{group=\"master1\",le=\"+Inf\"} 3",
        "_count{group=\"master1\"} 3", "_sum{group=\"master1\"} 203.2"})
    EXPECT_THAT(text, HasSubstr(std::string("redis_zk_failover_duration_seconds") + line));
}

}  // namespace
}  // namespace redis_zk::testing::metrics_test
