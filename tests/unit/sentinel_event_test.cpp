#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

#include "sentinel/event.h"

namespace redis_zk::testing::sentinel_event_test {
namespace {

using sentinel::MayChangeMaster;
using sentinel::ParseSentinelEvent;

const std::string kMaster = "master mymaster 127.0.0.1 21301";
const std::string kOfMaster = " @ mymaster 127.0.0.1 21301";
const std::string kSlave = "slave 127.0.0.1:21303 127.0.0.1 21303" + kOfMaster;
const std::string kSentinel = "sentinel " + std::string(40, 'a') + " 127.0.0.1 21402" + kOfMaster;

// Every event that a Sentinel publishes, with a message of each form that it has.
struct Published {
  const char* channel;
  std::string message;
  const char* group;
  bool may_change_master;
};
const std::initializer_list<Published> kPublished{
    {"+switch-master", "mymaster 127.0.0.1 21301 127.0.0.1 21303", "mymaster", true},
    {"+sdown", kMaster, "mymaster", false},
    {"+sdown", kSlave, "mymaster", false},
    {"+sdown", kSentinel, "mymaster", false},
    {"-sdown", kMaster, "mymaster", false},
    {"-sdown", kSlave, "mymaster", false},
    {"-sdown", kSentinel, "mymaster", false},
    {"+odown", kMaster + " #quorum 2/2", "mymaster", false},
    {"-odown", kMaster, "mymaster", false},
    {"+slave", kSlave, "mymaster", false},
    {"+sentinel", kSentinel, "mymaster", false},
    {"+reboot", kMaster, "mymaster", false},
    {"+reboot", kSlave, "mymaster", false},
    {"+sentinel-address-switch", kMaster + " ip 127.0.0.1 port 21404 for " + std::string(40, 'a'), "mymaster",
     false},
    {"+sentinel-address-update", kSentinel + " 1 additional matching instances", "mymaster", false},
    {"+sentinel-invalid-addr", kSentinel, "mymaster", false},
    {"+new-epoch", "1", "", false},
    {"+vote-for-leader", std::string(40, 'a') + " 1", "", false},
    {"+try-failover", kMaster, "mymaster", false},
    {"+elected-leader", kMaster, "mymaster", false},
    {"+failover-state-select-slave", kMaster, "mymaster", false},
    {"+selected-slave", kSlave, "mymaster", false},
    {"+failover-state-send-slaveof-noone", kSlave, "mymaster", false},
    {"+failover-state-wait-promotion", kSlave, "mymaster", false},
    {"+promoted-slave", kSlave, "mymaster", true},
    {"+failover-state-reconf-slaves", kMaster, "mymaster", true},
    {"+slave-reconf-sent", kSlave, "mymaster", false},
    {"+slave-reconf-inprog", kSlave, "mymaster", false},
    {"+slave-reconf-done", kSlave, "mymaster", false},
    {"+slave-reconf-sent-be", kSlave, "mymaster", false},
    {"-slave-reconf-sent-timeout", kSlave, "mymaster", false},
    {"+failover-end", kMaster, "mymaster", true},
    {"+failover-end-for-timeout", kMaster, "mymaster", false},
    {"-failover-abort-not-elected", kMaster, "mymaster", false},
    {"-failover-abort-no-good-slave", kMaster, "mymaster", false},
    {"-failover-abort-slave-timeout", kMaster, "mymaster", false},
    {"+convert-to-slave", kSlave, "mymaster", false},
    {"+fix-slave-config", kSlave, "mymaster", false},
    {"+config-update-from", kSentinel, "mymaster", true},
    {"+role-change", kSlave + " new reported role is master", "mymaster", false},
    {"-role-change", kMaster + " new reported role is slave", "mymaster", false},
    {"+monitor", "master m2 127.0.0.1 21302 quorum 1", "m2", true},
    {"-monitor", "master m2 127.0.0.1 21302", "m2", false},
    {"+set", kMaster + " down-after-milliseconds 900", "mymaster", false},
    {"+reset-master", kMaster, "mymaster", true},
    {"+tilt", "#tilt mode entered", "", false},
    {"-tilt", "#tilt mode exited", "", false},
};

TEST(ParseSentinelEventTest, UnderstandsEveryForm) {
  for (const auto& [channel, message, group, may_change_master] : kPublished) {
    const std::string what = std::string(channel) + ' ' + message;
    const auto event = ParseSentinelEvent(channel, message);
    ASSERT_TRUE(event) << what;
    EXPECT_EQ(event->name, channel);
    EXPECT_EQ(event->payload, message);
    EXPECT_EQ(event->group, group) << what;
    EXPECT_EQ(MayChangeMaster(*event), may_change_master) << what;
  }
}

TEST(ParseSentinelEventTest, RefusesAnUnreadableSwitch) {
  for (const char* message :
       {"", " ", "mymaster", "mymaster 10.0.0.1 6379", "mymaster 10.0.0.1 6379 10.0.0.2",
        "mymaster 10.0.0.1 6379 10.0.0.2 6380 x", "10.0.0.1 6379 10.0.0.2 6380",
        "master mymaster 10.0.0.1 6379 10.0.0.2 6380", "mymaster 10.0.0.1:6379 10.0.0.2:6380"}) {
    const auto event = ParseSentinelEvent("+switch-master", message);
    ASSERT_FALSE(event) << message;
    EXPECT_EQ(event.error().kind, ErrorKind::kProtocol) << message;
  }
}

TEST(ParseSentinelEventTest, RefusesWhatIsNoEvent) {
  for (const char* channel :
       {"", "+", "-", "sdown", " +sdown", "*", "__sentinel__:hello", "master", "#sdown"}) {
    EXPECT_FALSE(ParseSentinelEvent(channel, kMaster)) << channel;
  }
}

TEST(ParseSentinelEventTest, FindsNoGroupWhereNoneIsNamed) {
  struct Row {
    const char* name;
    const char* message;
  };
  for (const auto& [name, message] : std::initializer_list<Row>{
           {"nothing", ""},
           {"blanks", "   "},
           {"a word", "master"},
           {"a name alone", "master mymaster"},
           {"no port", "master mymaster 10.0.0.1"},
           {"another type", "replica 10.0.0.2:1 10.0.0.2 1 @ mymaster 10.0.0.1 1"},
           {"type in capitals", "MASTER mymaster 10.0.0.1 1"},
           {"replica without its master", "slave 10.0.0.2:1 10.0.0.2 1"},
           {"replica and a sign", "slave 10.0.0.2:1 10.0.0.2 1 @"},
           {"sign elsewhere", "slave 10.0.0.2:1 10.0.0.2 @ mymaster 10.0.0.1 1"},
           {"another sign", "slave 10.0.0.2:1 10.0.0.2 1 # mymaster 10.0.0.1 1"},
           {"sign as part of a word", "slave 10.0.0.2:1 10.0.0.2 1 @mymaster 10.0.0.1 1"},
           {"bytes", "\x01 \xff \x02 \x03 @ x"}}) {
    const auto event = ParseSentinelEvent("+some-new-event", message);
    ASSERT_TRUE(event) << name;
    EXPECT_EQ(event->group, "") << name;
    EXPECT_FALSE(MayChangeMaster(*event)) << name;
  }
}

TEST(ParseSentinelEventTest, TakesUnknownEventsInTheCommonForm) {
  EXPECT_EQ(ParseSentinelEvent("+some-new-event", kMaster)->group, "mymaster");
  EXPECT_EQ(ParseSentinelEvent("-some-new-event", kSlave + " and more")->group, "mymaster");
  EXPECT_EQ(ParseSentinelEvent("+sdown", "master  mymaster  10.0.0.1  1")->group, "mymaster") << "two blanks";
  EXPECT_EQ(ParseSentinelEvent("+sdown", "master master 10.0.0.1 1")->group, "master");
}

TEST(MayChangeMasterTest, GoesByTheWholeName) {
  for (const char* channel : {"-switch-master", "+switch-master-x", "+switch", "+SWITCH-MASTER",
                              "+promoted-slave2", "-monitor", "+failover"}) {
    EXPECT_FALSE(MayChangeMaster(ParseSentinelEvent(channel, kMaster).value())) << channel;
  }
}

}  // namespace
}  // namespace redis_zk::testing::sentinel_event_test
