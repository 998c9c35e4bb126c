#include "failover/order.h"

#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "support/failing_network.h"
#include "support/fake_fleet.h"

namespace redis_zk::testing::order_test {
namespace {

using failover::ConfirmationsNeeded;
using failover::OrderFailover;
using failover::OrderTerms;
using Kind = failover::Ordered::Kind;
using State = FakeFleet::State;

const Endpoint kA{"10.0.0.1", 6379};
const Endpoint kB{"10.0.0.2", 6379};
const Endpoint kS1{"10.0.0.7", 26379};
const Endpoint kS2{"10.0.0.8", 26379};
const Endpoint kS3{"10.0.0.9", 26379};

// A master with a replica, and three Sentinels that can fail over.
struct Site {
  Site() {
    fleet.AddMaster(kA);
    fleet.AddReplica(kB, kA);
    for (const auto& sentinel : {kS1, kS2, kS3})
      terms.sentinels.push_back({sentinel, fleet.AddSentinel(sentinel, "g", kA).id});
  }
  FakeFleet::Monitored& group(const Endpoint& sentinel) { return fleet.sentinel(sentinel).groups.at("g"); }

  FakeTime time;
  FakeFleet fleet{time};
  FailingNetwork network{fleet.network()};
  OrderTerms terms{.group = "g", .master = kA, .sentinels = {}};
};

TEST(ConfirmationsNeededTest, OneWithARecordAndMostWithout) {
  EXPECT_EQ(ConfirmationsNeeded(true, 5), 1U);
  EXPECT_EQ(ConfirmationsNeeded(false, 5), 3U);
  EXPECT_EQ(ConfirmationsNeeded(false, 4), 3U);
  EXPECT_EQ(ConfirmationsNeeded(false, 1), 1U);
}

TEST(OrderFailoverTest, GoesToOneSentinelAtMostThatMayCarryItOutNow) {
  struct Row {
    const char* name;
    std::function<void(Site&)> change;
    Kind kind;
    Endpoint sentinel;
    std::vector<std::string> orders;
  };
  const std::string to_s1 = "10.0.0.7:26379 SENTINEL FAILOVER g";
  const std::string to_s2 = "10.0.0.8:26379 SENTINEL FAILOVER g";
  const std::string to_s3 = "10.0.0.9:26379 SENTINEL FAILOVER g";
  for (const auto& [name, change, kind, sentinel, orders] : std::initializer_list<Row>{
           {"the last of the list", [](auto&) {}, Kind::kTaken, kS3, {to_s3}},
           {"the one that is wanted",
            [](auto& s) {
              s.terms.asked = {kS2, kS3};
            },
            Kind::kTaken,
            kS2,
            {to_s2}},
           {"not one in TILT",
            [](auto& s) { s.fleet.sentinel(kS3).tilt = true; },
            Kind::kTaken,
            kS2,
            {to_s2}},
           {"not a silent one",
            [](auto& s) { s.fleet.sentinel(kS3).state = State::kSilent; },
            Kind::kTaken,
            kS2,
            {to_s2}},
           {"not one that took another's place",
            [](auto& s) { s.fleet.sentinel(kS3).id = std::string(40, 'f'); },
            Kind::kTaken,
            kS2,
            {to_s2}},
           {"not one that names another master",
            [](auto& s) { s.group(kS3).master = kB; },
            Kind::kTaken,
            kS2,
            {to_s2}},
           {"the next where one refuses",
            [](auto& s) { s.group(kS3).replicas.clear(); },
            Kind::kTaken,
            kS2,
            {to_s2}},
           {"whichever master it names",
            [](auto& s) {
              s.terms.master.reset();
              s.group(kS3).master = kB;
            },
            Kind::kTaken,
            kS3,
            {to_s3}},
           {"none where one has heard of a failover, and the others have not",
            [](auto& s) {
              s.group(kS1).master = kB;
              s.group(kS1).config_epoch = s.group(kS2).config_epoch + 1;
            },
            Kind::kRunning,
            kS1,
            {}},
           {"none while a failover runs",
            [](auto& s) { s.group(kS1).failing_over = true; },
            Kind::kRunning,
            kS1,
            {}},
           {"none while one in TILT is to run one",
            [](auto& s) { s.group(kS1).failing_over = s.fleet.sentinel(kS1).tilt = true; },
            Kind::kRunning,
            kS1,
            {}},
           {"none where too few confirm the master",
            [](auto& s) {
              s.terms.needed = 2;
              s.fleet.sentinel(kS1).state = s.fleet.sentinel(kS2).state = State::kGone;
            },
            Kind::kUnconfirmed,
            {},
            {}},
           {"one in TILT confirms it all the same",
            [](auto& s) {
              s.terms.needed = 3;
              s.fleet.sentinel(kS3).tilt = true;
            },
            Kind::kTaken,
            kS2,
            {to_s2}},
           {"none while an election may be on its way",
            [](auto& s) {
              s.terms.leave_to_election = true;
              s.group(kS1).master_down = true;
            },
            Kind::kLeft,
            {},
            {}},
           {"one in TILT elects nobody",
            [](auto& s) {
              s.terms.leave_to_election = true;
              s.group(kS1).master_down = s.fleet.sentinel(kS1).tilt = true;
            },
            Kind::kTaken,
            kS3,
            {to_s3}},
           {"an election is not waited for in vain",
            [](auto& s) { s.group(kS1).master_down = true; },
            Kind::kTaken,
            kS3,
            {to_s3}},
           {"none where all refuse",
            [](auto& s) {
              for (const auto& each : {kS1, kS2, kS3}) s.group(each).replicas.clear();
            },
            Kind::kRefused,
            {},
            {}},
           {"no second one where the answer is lost",
            [](auto& s) { s.network.FailCall(1, Fault::kAfter); },
            Kind::kMayBeTaken,
            kS3,
            {to_s3}},
       }) {
    SCOPED_TRACE(name);
    Site site;
    change(site);
    const auto ordered = OrderFailover(site.network.network().sentinels, site.terms);
    EXPECT_EQ(ordered.kind, kind);
    EXPECT_EQ(ordered.sentinel, sentinel);
    EXPECT_EQ(site.fleet.orders, orders);
  }
}

TEST(OrderFailoverTest, OneThatBeginsAFailoverMeanwhileIsWaitedFor) {
  Site site;
  // Between the look and the order.
  struct BeginsMeanwhile final : redis::Servers {
    explicit BeginsMeanwhile(Site& of) : site(of) {}
    std::vector<Result<redis::Replies>> AskAll(const std::vector<Endpoint>& servers,
                                               const std::vector<redis::Command>& commands) override {
      auto answers = site.fleet.network().sentinels.AskAll(servers, commands);
      site.group(kS3).failing_over = true;
      return answers;
    }
    std::unique_ptr<redis::KeptServer> Keep(const Endpoint&) override { return nullptr; }
    Site& site;
  } servers(site);
  const auto ordered = OrderFailover(servers, site.terms);
  EXPECT_EQ(ordered.kind, Kind::kRunning);
  EXPECT_EQ(ordered.sentinel, kS3);
}

TEST(OrderFailoverTest, TellsWhoRefusedAndWhy) {
  Site site;
  for (const auto& each : {kS1, kS2}) site.group(each).replicas.clear();
  site.fleet.sentinel(kS3).tilt = true;
  const auto ordered = OrderFailover(site.network.network().sentinels, site.terms);
  ASSERT_EQ(ordered.refusals.size(), 2U);
  EXPECT_EQ(ordered.refusals.front().first, kS2);
  EXPECT_NE(ordered.why.find("NOGOODSLAVE"), std::string::npos) << ordered.why;
  EXPECT_EQ(ordered.naming, 3U);
}

}  // namespace
}  // namespace redis_zk::testing::order_test
