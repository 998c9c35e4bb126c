#include "failover/settings_guard.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

#include "support/failing_network.h"
#include "support/fake_fleet.h"

namespace redis_zk::testing::settings_guard_test {
namespace {

using failover::IsTemporaryPriority;
using failover::LongestSentinelChange;
using failover::SettingsGuard;
using failover::TemporarySetting;
using State = FakeFleet::State;

const Endpoint kA{"10.0.0.1", 6379};
const Endpoint kS{"10.0.0.7", 26379};

class SettingsGuardTest : public ::testing::Test {
 protected:
  SettingsGuardTest() {
    fleet_.AddMaster(kA);
    fleet_.AddSentinel(kS, "g", kA);
  }
  std::string Priority() { return fleet_.redis(kA).config.at("replica-priority"); }
  FakeFleet::Monitored& group() { return fleet_.sentinel(kS).groups.at("g"); }
  static void ChangeAll(SettingsGuard& guard) {
    (void)guard.Set(TemporarySetting::kReplicaPriority, kA, 100, 1);
    (void)guard.Set(TemporarySetting::kFailoverTimeout, kS, 180'000, 1);
  }
  void ExpectAllAsBefore() {
    EXPECT_EQ(Priority(), "100");
    EXPECT_EQ(group().failover_timeout, 180s);
  }

  FakeTime time_;
  FakeFleet fleet_{time_};
  FailingNetwork network_{fleet_.network()};
};

TEST_F(SettingsGuardTest, SetsAndRestoresAtItsEnd) {
  {
    SettingsGuard guard(network_.network(), "g");
    ChangeAll(guard);
    EXPECT_EQ(Priority(), "1");
    EXPECT_EQ(group().failover_timeout, 1ms);
  }
  ExpectAllAsBefore();
}

TEST_F(SettingsGuardTest, RestoresWhateverOneCallDoes) {
  for (const Fault fault : {Fault::kBefore, Fault::kAfter, Fault::kLate}) {
    for (int call = 0; call < 4; ++call) {
      SettingsGuard guard(network_.network(), "g");
      network_.FailCall(call, fault);
      ChangeAll(guard);
      EXPECT_TRUE(guard.Restore());
      network_.Heal();
      network_.DeliverLate();
      ExpectAllAsBefore();
    }
  }
}

TEST_F(SettingsGuardTest, RestoresWhatWasThereAtFirst) {
  SettingsGuard guard(network_.network(), "g");
  (void)guard.Set(TemporarySetting::kReplicaPriority, kA, 100, 2);
  (void)guard.Set(TemporarySetting::kReplicaPriority, kA, 2, 1);
  EXPECT_TRUE(guard.Restore());
  EXPECT_EQ(Priority(), "100");
}

TEST_F(SettingsGuardTest, TriesAgainWhatFailed) {
  SettingsGuard guard(network_.network(), "g");
  ChangeAll(guard);
  fleet_.sentinel(kS).state = State::kGone;
  EXPECT_FALSE(guard.Restore(1));
  EXPECT_EQ(Priority(), "100");
  fleet_.sentinel(kS).state = State::kAnswers;
  EXPECT_TRUE(guard.Restore(1));
  ExpectAllAsBefore();
}

TEST_F(SettingsGuardTest, DoesNotTryTwiceAtItsEndWhatItToldToBeImpossible) {
  fleet_.redis(kA).state = State::kSilent;
  int calls = 0;
  {
    SettingsGuard guard(network_.network(), "g");
    (void)guard.Set(TemporarySetting::kReplicaPriority, kA, 100, 1);
    EXPECT_FALSE(guard.Restore());
    calls = network_.calls();
  }
  EXPECT_EQ(calls, 4) << "one change, and three tries to restore it";
  EXPECT_EQ(network_.calls(), calls);
}

TEST(IsTemporaryPriorityTest, OneOrTwoUnlessTheUserSetIt) {
  EXPECT_TRUE(IsTemporaryPriority(1, 100));
  EXPECT_TRUE(IsTemporaryPriority(2, 1));
  EXPECT_FALSE(IsTemporaryPriority(1, 1));
  EXPECT_FALSE(IsTemporaryPriority(3, 100));
  EXPECT_FALSE(IsTemporaryPriority(0, 100));
}

TEST(LongestSentinelChangeTest, IsShortForWhatEndsAFailoverWithoutOne) {
  struct Row {
    const char* name;
    bool failover_in_progress;
    std::string setting;
    std::string found;
    Duration longest;
  };
  for (const auto& [name, failover_in_progress, setting, found, longest] :
       std::initializer_list<Row>{{"left behind", false, "failover-timeout", "1", 5s},
                                  {"may be in use", true, "failover-timeout", "1", 30s},
                                  {"another value", false, "failover-timeout", "2", 30s},
                                  {"another setting", false, "parallel-syncs", "1", 30s}})
    EXPECT_EQ(LongestSentinelChange(setting, found, failover_in_progress), longest) << name;
}

}  // namespace
}  // namespace redis_zk::testing::settings_guard_test
