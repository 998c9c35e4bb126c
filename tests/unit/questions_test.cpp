#include "watcher/questions.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

namespace redis_zk::testing::questions_test {
namespace {

using ::testing::Each;
using ::testing::SizeIs;
using watcher::FleetStatus;
using watcher::Topology;

constexpr std::size_t kGroups = 120;

// Answers nothing, and remembers who was asked at once.
class SilentServers final : public redis::Servers {
 public:
  std::vector<Result<redis::Replies>> AskAll(const std::vector<Endpoint>& servers,
                                             const std::vector<redis::Command>& commands) override {
    turns.push_back(servers);
    questions.push_back(commands.size());
    return std::vector<Result<redis::Replies>>(servers.size(), tl::unexpected(error));
  }
  std::unique_ptr<redis::KeptServer> Keep(const Endpoint& /*server*/) override { return nullptr; }

  Error error{ErrorKind::kTimeout, "silent"};
  std::vector<std::vector<Endpoint>> turns;
  std::vector<std::size_t> questions;
};

Endpoint ServerOf(std::size_t group, int node) { return {fmt::format("10.0.{}.{}", group, node), 6379}; }
std::string NameOf(std::size_t group) { return fmt::format("group-{:03}", group); }

// Groups of three nodes.
Topology Fleet() {
  Topology topology;
  topology.sentinels = {{"11111111-0000-4000-8000-000000000000", {"10.1.0.1", 26379}, true}};
  for (std::size_t group = 0; group < kGroups; ++group) {
    topology.groups[NameOf(group)] = {.state = store::Record::State::kMaster, .master = ServerOf(group, 1)};
    topology.serving[NameOf(group)] = {ServerOf(group, 1), ServerOf(group, 2), ServerOf(group, 3)};
  }
  return topology;
}

TEST(AskFleetTest, ThoseThatWereSilentDoNotHoldUpTheOthers) {
  FleetStatus earlier;
  std::set<Endpoint> silent;
  for (std::size_t group = 0; group < kGroups; ++group) {
    auto& status = earlier.groups[NameOf(group)];
    status.master = {.endpoint = ServerOf(group, 1), .info = redis::ServerInfo{}};
    status.replicas = {{.endpoint = ServerOf(group, 2), .info = redis::ServerInfo{}},
                       {.endpoint = ServerOf(group, 3), .error = "silent"}};
    silent.insert(ServerOf(group, 3));
  }
  SilentServers servers;
  SilentServers sentinels;
  const auto findings = AskFleet({servers, sentinels}, Fleet(), earlier, [] { return false; });
  EXPECT_THAT(findings.servers, SizeIs(3 * kGroups));
  std::size_t turns_with_silent = 0;
  for (const auto& turn : servers.turns) {
    EXPECT_LE(turn.size(), watcher::kMostAtOnce);
    for (const auto& server : turn) {
      if (!silent.contains(server)) continue;
      ++turns_with_silent;
      break;
    }
  }
  EXPECT_EQ(servers.turns.size(), 3U);
  EXPECT_LE(turns_with_silent, 2U) << "120 of them, and one turn that they share with others";
}

TEST(AskFleetTest, SentinelsAreAskedAboutSomeGroupsAtATime) {
  SilentServers servers;
  SilentServers sentinels;
  // One that refuses has answered, and may know the next groups.
  sentinels.error = {ErrorKind::kRefused, "no"};
  const auto findings = AskFleet({servers, sentinels}, Fleet(), {}, [] { return false; });
  EXPECT_THAT(findings.reports, SizeIs(kGroups));
  for (const auto& [group, reports] : findings.reports) EXPECT_THAT(reports, SizeIs(1)) << group;
  EXPECT_THAT(sentinels.turns, Each(SizeIs(1)));
  EXPECT_EQ(sentinels.questions, (std::vector<std::size_t>{2 + 150, 2 + 150, 2 + 60}));
}

TEST(AskFleetTest, ASilentSentinelIsWaitedForOnce) {
  SilentServers servers;
  SilentServers sentinels;
  const auto findings = AskFleet({servers, sentinels}, Fleet(), {}, [] { return false; });
  for (const auto& [group, reports] : findings.reports) {
    ASSERT_THAT(reports, SizeIs(1)) << group;
    EXPECT_EQ(reports.front().error().kind, ErrorKind::kTimeout);
  }
  std::size_t asked = 0;
  for (const auto& turn : sentinels.turns) asked += turn.size();
  EXPECT_EQ(asked, 1U);
}

TEST(AskFleetTest, ThoseThatWereNotAskedAreMissingAfterItWasGivenUp) {
  SilentServers servers;
  SilentServers sentinels;
  int turns = 0;
  const auto findings = AskFleet({servers, sentinels}, Fleet(), {}, [&turns] { return ++turns > 1; });
  EXPECT_THAT(findings.servers, SizeIs(watcher::kMostAtOnce));
}

}  // namespace
}  // namespace redis_zk::testing::questions_test
