#include "watcher/strange_sentinels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <string>

#include "sentinel/links.h"
#include "store/sentinel_id.h"

namespace redis_zk::testing::strange_sentinels_test {
namespace {

using sentinel::Link;
using sentinel::ParseLinks;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using watcher::Findings;
using watcher::FleetStatus;
using watcher::kStaysStrange;
using watcher::Summarize;
using watcher::Topology;

// As Redis 7.0.15 wrote them.
const std::string kClients =
    "id=5 addr=127.0.0.1:56818 laddr=127.0.0.1:6379 fd=9 name= age=10 idle=0 flags=N db=0 cmd=info "
    "user=default\n"
    "id=284 addr=10.0.0.7:52170 laddr=127.0.0.1:6379 fd=8 name=sentinel-d5f4ff02-cmd age=2 idle=0 flags=N "
    "db=0\n"
    "id=285 addr=10.0.0.7:52172 laddr=127.0.0.1:6379 fd=8 name=sentinel-d5f4ff02-pubsub age=99 idle=98 "
    "flags=P\n"
    "id=286 addr=[fd00::7]:52170 laddr=127.0.0.1:6379 fd=8 name=sentinel-717da346-cmd age=2 idle=1 flags=N "
    "db=0\n"
    "id=287 addr=10.0.0.8:52170 laddr=127.0.0.1:6379 fd=8 name=sentinel-0badf00d-cmd age=900 idle=300 "
    "flags=N\n"
    "id=288 addr=10.0.0.9:1 laddr=127.0.0.1:6379 fd=8 name=sentinel-cmd age=9 idle=3 flags=N\n"
    "id=289 addr=10.0.0.9:2 laddr=127.0.0.1:6379 fd=8 name=my-sentinel-717da346-cmd age=9 idle=3 flags=N\n";

TEST(LinksTest, AreReadFromTheNamesOfConnections) {
  EXPECT_THAT(ParseLinks(kClients, "cmd", 10s),
              ElementsAre(Link{"717da346", "fd00::7"}, Link{"d5f4ff02", "10.0.0.7"}));
  EXPECT_THAT(ParseLinks(kClients, "pubsub", Duration::max()), ElementsAre(Link{"d5f4ff02", "10.0.0.7"}));
  EXPECT_THAT(ParseLinks("", "cmd", 10s), IsEmpty());
  EXPECT_THAT(ParseLinks("name=sentinel-d5f4ff02-cmd", "cmd", 10s), ElementsAre(Link{"d5f4ff02", ""}));
}

const Endpoint kMaster{"10.0.0.1", 6379};
const std::string kUuid = "11111111-0000-4000-8000-000000000000";
const TimePoint kBegin{1000h};
const Link kStrange{"d5f4ff02", "10.0.0.7"};

struct Scene {
  Scene() {
    topology.sentinels = {{kUuid, {"10.0.1.1", 26379}}};
    topology.groups["g"] = {.state = store::Record::State::kMaster, .master = kMaster};
    findings.servers.emplace(kMaster, redis::ServerInfo{.role = redis::Role::kMaster});
    sentinel::GroupReport report{.report = {.id = store::SentinelIdOf(kUuid), .master = kMaster},
                                 .replicas = {}};
    findings.reports["g"].push_back(report);
    findings.links[kMaster] = {{"11111111", "10.0.1.1"}, kStrange};
  }
  // After it was looked at for so long.
  const watcher::GroupStatus& Look(Duration after) {
    status = Summarize(topology, findings, status, kBegin + after);
    return status.groups.at("g");
  }
  Topology topology;
  Findings findings;
  FleetStatus status;
};

bool IsTold(const watcher::GroupStatus& group) {
  return std::any_of(group.warnings.begin(), group.warnings.end(), [](const auto& warning) {
    return warning.find("Sentinel d5f4ff02 at 10.0.0.7, which is not registered here") != std::string::npos;
  });
}

TEST(StrangeSentinelsTest, AreToldWhenTheyStay) {
  Scene scene;
  EXPECT_THAT(scene.Look(0s).strange_sentinels, SizeIs(1));
  EXPECT_FALSE(IsTold(scene.Look(kStaysStrange - 1s)));
  // The server is not asked each time.
  scene.findings.links.clear();
  EXPECT_TRUE(IsTold(scene.Look(kStaysStrange)));
  scene.findings.links[kMaster] = {};
  EXPECT_FALSE(IsTold(scene.Look(kStaysStrange + 1s)));
}

TEST(StrangeSentinelsTest, AreNotThose) {
  struct Row {
    const char* name;
    std::function<void(Scene&)> change;
  };
  for (const auto& [name, change] : std::initializer_list<Row>{
           {"that have an identity here",
            [](Scene& scene) { scene.topology.sentinel_ids = {"d5f4ff02" + std::string(32, '0')}; }},
           {"that are registered under another id, as originals are",
            [](Scene& scene) {
              scene.findings.reports["g"][0]->report.id = "d5f4ff02" + std::string(32, '0');
            }},
           {"that may be a registered one which does not answer", [](Scene& scene) {
              scene.topology.sentinels[0].endpoint.host = kStrange.host;
              scene.findings.reports["g"][0] = tl::unexpected(Error{ErrorKind::kTimeout, "silent"});
            }}}) {
    Scene scene;
    change(scene);
    scene.Look(0s);
    EXPECT_THAT(scene.Look(kStaysStrange).strange_sentinels, IsEmpty()) << name;
  }
}

}  // namespace
}  // namespace redis_zk::testing::strange_sentinels_test
