#include "redis-wrapper/failover_request.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/failing_network.h"
#include "support/fake_fleet.h"

namespace redis_zk::testing::failover_request_test {
namespace {

using State = FakeFleet::State;

const Endpoint kA{"10.0.0.1", 6379};
const Endpoint kB{"10.0.0.2", 6379};
const Endpoint kS1{"10.0.0.7", 26379};
const Endpoint kS2{"10.0.0.8", 26379};

class FailoverRequestTest : public ::testing::Test {
 protected:
  FailoverRequestTest() {
    fleet_.AddMaster(kA);
    fleet_.AddReplica(kB, kA);
    for (const auto& sentinel : {kS1, kS2})
      sentinels_.push_back({sentinel, fleet_.AddSentinel(sentinel, "g", kA).id});
  }
  void Ask(bool recorded = true) { request_.Ask(sentinels_, recorded, "a test", Clock::now()); }
  std::size_t orders() const { return fleet_.orders.size(); }

  FakeTime time_;
  FakeFleet fleet_{time_};
  FailingNetwork network_{fleet_.network()};
  const CommonOptions options_{.master_name = "g"};
  std::vector<sentinel::Peer> sentinels_;
  redis_wrapper::FailoverRequest request_{options_, network_.network(), kA};
};

TEST_F(FailoverRequestTest, IsMadeOnceInThreeSeconds) {
  Ask();
  EXPECT_EQ(fleet_.orders, std::vector<std::string>{"10.0.0.8:26379 SENTINEL FAILOVER g"});
  const int calls = network_.calls();
  time_.Advance(2900ms);
  Ask();
  EXPECT_EQ(network_.calls(), calls);
  fleet_.sentinel(kS2).groups.at("g").failing_over = false;
  fleet_.sentinel(kS1).groups.at("g").master = fleet_.sentinel(kS2).groups.at("g").master = kA;
  fleet_.sentinel(kS2).groups.at("g").replicas[kB];
  time_.Advance(100ms);
  Ask();
  EXPECT_EQ(orders(), 2U);
}

TEST_F(FailoverRequestTest, LeavesSentinelsThatNoticedTimeForAnElection) {
  fleet_.sentinel(kS1).groups.at("g").master_down = true;
  Ask();
  time_.Advance(4900ms);
  Ask();
  EXPECT_EQ(orders(), 0U);
  time_.Advance(100ms);
  Ask();
  EXPECT_EQ(orders(), 1U);
}

TEST_F(FailoverRequestTest, NeedsMostSentinelsWithoutARecord) {
  fleet_.sentinel(kS1).state = State::kGone;
  Ask(/*recorded=*/false);
  EXPECT_EQ(orders(), 0U);
  Ask(/*recorded=*/true);
  EXPECT_EQ(orders(), 1U);
}

TEST_F(FailoverRequestTest, IsNotMadeBesideAFailoverThatRuns) {
  fleet_.sentinel(kS1).groups.at("g").failing_over = true;
  Ask();
  EXPECT_EQ(orders(), 0U);
  fleet_.sentinel(kS1).groups.at("g").failing_over = false;
  Ask();
  EXPECT_EQ(orders(), 1U) << "and is free again when that is over";
}

TEST_F(FailoverRequestTest, AsksNoOtherSentinelWhenTheAnswerIsLost) {
  network_.FailCall(1, Fault::kAfter);
  Ask();
  EXPECT_EQ(orders(), 1U);
  Ask();
  EXPECT_EQ(orders(), 1U);
}

TEST_F(FailoverRequestTest, AsksTheNextSentinelWhenOneRefuses) {
  fleet_.sentinel(kS2).groups.at("g").replicas.clear();
  Ask();
  EXPECT_EQ(fleet_.orders, std::vector<std::string>{"10.0.0.7:26379 SENTINEL FAILOVER g"});
}

TEST_F(FailoverRequestTest, EndsWhereAllRefuse) {
  for (const auto& sentinel : {kS1, kS2}) fleet_.sentinel(sentinel).groups.at("g").replicas.clear();
  Ask();
  EXPECT_EQ(orders(), 0U);
}

}  // namespace
}  // namespace redis_zk::testing::failover_request_test
