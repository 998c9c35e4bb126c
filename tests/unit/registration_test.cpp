#include "sentinel-wrapper/registration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "unit/log_fixture.h"
#include "unit/wrapper_fixture.h"

namespace redis_zk::testing::registration_test {
namespace {

using sentinel_wrapper::Registration;
using sentinel_wrapper::WrapperOptions;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using zookeeper::kAnyVersion;

class RegistrationTest : public WrapperTest {
 protected:
  struct Site : WatchedLoop {
    explicit Site(RegistrationTest& test)
        : WatchedLoop(test.signals(), test.common_, test.server_), registration(*loop, test.options_) {}

    std::vector<store::Sentinel> Listed() { return other.sentinels.List(zookeeper::Watch::kNo).value(); }

    Registration registration;
  };

  const WrapperOptions options_{.common = common_, .server = server_};
  const std::vector<store::Sentinel> own_{{"s", server_.announce}};
};

TEST_F(RegistrationTest, ListsTheSentinelOnceWhicheverCallFails) {
  AtEveryCall([this](int number, Fault fault) {
    Site site(*this);
    site.loop.session().FailCall(number, fault);
    const bool kept = site.registration.Keep("s");
    const bool happened = site.loop.session().faults() > 0;
    EXPECT_EQ(site.registration.exists(), kept);
    EXPECT_EQ(site.registration.is_current(), kept) << "clients are told what is known";
    if (!kept) {
      EXPECT_TRUE(happened);
      EXPECT_TRUE(site.registration.Keep("s")) << "at once";
    }
    EXPECT_EQ(site.Listed(), own_);
    return happened;
  });
}

TEST_F(RegistrationTest, ListsItAgainInTheNextSession) {
  Site site(*this);
  ASSERT_TRUE(site.registration.Keep("s"));
  EXPECT_FALSE(site.registration.Keep("s")) << "nothing is to be done";
  site.Expire();
  EXPECT_THAT(site.Listed(), IsEmpty());
  EXPECT_TRUE(site.registration.exists());
  EXPECT_FALSE(site.registration.is_current());
  EXPECT_TRUE(site.registration.Keep("s"));
  EXPECT_TRUE(site.registration.is_current());
  EXPECT_EQ(site.Listed(), own_);
}

TEST_F(RegistrationTest, ListsItAgainWhereItWasDeleted) {
  Site site(*this);
  ASSERT_TRUE(site.registration.Keep("s"));
  ASSERT_TRUE(site.other_session->Delete("/redis/sentinels/s", kAnyVersion));
  time_.Advance(9s);
  EXPECT_FALSE(site.registration.Keep("s"));
  time_.Advance(1s);
  EXPECT_TRUE(site.registration.Keep("s"));
  EXPECT_EQ(site.Listed(), own_);
}

TEST_F(RegistrationTest, MakesThePlaceWhereItIsMissing) {
  Site site(*this);
  ASSERT_TRUE(site.other_session->Delete("/redis/sentinels", kAnyVersion));
  EXPECT_TRUE(site.registration.Keep("s"));
  EXPECT_EQ(site.Listed(), own_);
}

TEST_F(RegistrationTest, IsRemovedWhicheverCallFails) {
  AtEveryCall([this](int number, Fault fault) {
    Site site(*this);
    EXPECT_TRUE(site.registration.Keep("s"));
    site.loop.session().FailCall(number, fault);
    site.registration.Remove("s");
    EXPECT_FALSE(site.registration.exists());
    const bool happened = site.loop.session().faults() > 0;
    // What was not removed goes with the session.
    if (happened) site.Expire();
    EXPECT_THAT(site.Listed(), IsEmpty());
    return happened;
  });
}

TEST_F(RegistrationTest, IsLeftToTheEndOfTheSessionWithoutZooKeeper) {
  Site site(*this);
  ASSERT_TRUE(site.registration.Keep("s"));
  site.zookeeper.Stop();
  site.loop->Pump(Clock::now());
  site.registration.Remove("s");
  EXPECT_FALSE(site.registration.exists());
}

TEST_F(RegistrationTest, SaysOnceWhatFailsAndThatItIsOver) {
  Site site(*this);
  const CapturedLog log;
  site.loop.session().FailEvery(FailingSession::Call::kCreate, Fault::kBefore);
  site.loop.session().FailEvery(FailingSession::Call::kCommit, Fault::kBefore);
  for (int time = 0; time < 3; ++time) EXPECT_FALSE(site.registration.Keep("s"));
  EXPECT_THAT(log.text(), HasSubstr("cannot register this Sentinel"));
  EXPECT_EQ(log.text().find("cannot register"), log.text().rfind("cannot register"));
  site.loop.session().Heal();
  EXPECT_TRUE(site.registration.Keep("s"));
  EXPECT_THAT(log.text(), HasSubstr("registered as s"));
}

}  // namespace
}  // namespace redis_zk::testing::registration_test
