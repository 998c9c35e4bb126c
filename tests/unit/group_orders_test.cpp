#include "sentinel-wrapper/group_orders.h"

#include <gtest/gtest.h>

#include "support/failing_network.h"
#include "support/fake_fleet.h"
#include "unit/log_fixture.h"

namespace redis_zk::testing::group_orders_test {
namespace {

using sentinel_wrapper::GroupOrders;
using sentinel_wrapper::WrapperOptions;

class GroupOrdersTest : public LogTest {
 protected:
  GroupOrdersTest() {
    fleet_.AddMaster(record_.master);
    fleet_.AddSentinel(sentinel_, "master1", record_.master);
  }

  // The connection breaks when the first order of the next question has been carried out.
  void BreakAfterMonitor() {
    network_.FailCall(0, Fault::kBefore, [this] {
      EXPECT_TRUE(
          fleet_.network().sentinels.Order(sentinel_, {"SENTINEL", "MONITOR", "g", "10.0.0.1", "6379", "2"}));
    });
  }
  const FakeFleet::Monitored& Monitored() { return fleet_.sentinel(sentinel_).groups.at("g"); }

  const Endpoint sentinel_{"10.0.0.7", 26379};
  const store::Record record_{.state = store::Record::State::kMaster, .master = {"10.0.0.1", 6379}};
  FakeTime time_;
  FakeFleet fleet_{time_};
  FailingNetwork network_{fleet_.network()};
  WrapperOptions options_{.command = {},
                          .common = {.zk_root = "/redis", .master_name = "master1"},
                          .server = {.bind = sentinel_, .announce = sentinel_},
                          .sentinel_conf = {},
                          .sentinel_server_bin = {},
                          .quorum = 2,
                          .down_after_ms = 1500};
  GroupOrders orders_{options_, network_.network()};
};

TEST_F(GroupOrdersTest, GiveAGroupItsSettingsWhenTheAnswerWasLost) {
  BreakAfterMonitor();
  EXPECT_FALSE(orders_.Monitor("g", record_));
  EXPECT_NE(Monitored().down_after, 1500ms);
  EXPECT_TRUE(orders_.unsettled().contains("g"));
  network_.FailCall(0, Fault::kBefore);
  EXPECT_FALSE(orders_.Settle("g"));
  EXPECT_TRUE(orders_.unsettled().contains("g")) << "again, for nobody knows";
  EXPECT_TRUE(orders_.Settle("g"));
  EXPECT_EQ(Monitored().down_after, 1500ms);
  EXPECT_FALSE(orders_.unsettled().contains("g"));
  const int calls = network_.calls();
  EXPECT_TRUE(orders_.Settle("g"));
  EXPECT_EQ(network_.calls(), calls) << "once";
}

TEST_F(GroupOrdersTest, AskNothingWhereThereIsNoSetting) {
  options_.down_after_ms = 0;
  BreakAfterMonitor();
  EXPECT_FALSE(orders_.Monitor("g", record_));
  const int calls = network_.calls();
  EXPECT_TRUE(orders_.Settle("g"));
  EXPECT_EQ(network_.calls(), calls);
}

TEST_F(GroupOrdersTest, AreForgottenWithTheSentinel) {
  BreakAfterMonitor();
  EXPECT_FALSE(orders_.Monitor("g", record_));
  orders_.Reset();
  EXPECT_TRUE(orders_.unsettled().empty());
}

}  // namespace
}  // namespace redis_zk::testing::group_orders_test
