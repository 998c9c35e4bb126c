#include "sentinel-wrapper/identity_keeper.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "unit/wrapper_fixture.h"

namespace redis_zk::testing::identity_keeper_test {
namespace {

using sentinel_wrapper::IdentityKeeper;
using sentinel_wrapper::WrapperOptions;
using zookeeper::kAnyVersion;
using Hold = IdentityKeeper::Hold;

class IdentityKeeperTest : public WrapperTest {
 protected:
  struct Site : WatchedLoop {
    explicit Site(IdentityKeeperTest& test)
        : WatchedLoop(test.signals(), test.common_, test.server_),
          keeper(*loop, test.options_, test.network_.network()) {}

    std::vector<store::Identity> Identities() { return other.identities.List().value(); }

    IdentityKeeper keeper;
  };

  const WrapperOptions options_{.common = common_, .server = server_};
};

TEST_F(IdentityKeeperTest, TakesOneIdentityWhicheverCallFails) {
  AtEveryCall([this](int number, Fault fault) {
    Site site(*this);
    site.loop.session().FailCall(number, fault);
    const TimePoint begun = Clock::now();
    EXPECT_TRUE(site.keeper.Acquire(3));
    EXPECT_LT(Clock::now() - begun, 2s) << "it does not wait for the end of its own session";
    const store::Identity& own = site.keeper.identity();
    EXPECT_EQ(own.epoch, 3U);
    EXPECT_EQ(own.endpoint, server_.announce);
    EXPECT_EQ(site.Identities(), std::vector{own}) << "one, and no second";
    EXPECT_EQ(site.keeper.Keep(), Hold::kHeld);
    return site.loop.session().faults() > 0;
  });
}

TEST_F(IdentityKeeperTest, TakesOneFreeIdentityWhicheverCallFails) {
  AtEveryCall([this](int number, Fault fault) {
    Site site(*this);
    const Endpoint gone{"127.0.0.1", FreePort()};
    EXPECT_TRUE(site.other.identities.Take({.uuid = "s", .endpoint = gone, .epoch = 7}));
    EXPECT_TRUE(site.other_session->Delete("/redis/identities/s/taken", kAnyVersion));
    site.loop.session().FailCall(number, fault);
    EXPECT_TRUE(site.keeper.Acquire(3));
    EXPECT_EQ(site.keeper.identity().uuid, "s");
    EXPECT_EQ(site.Identities(),
              (std::vector<store::Identity>{{"s", server_.announce, 7, true, REDIS_ZK_VERSION}}));
    return site.loop.session().faults() > 0;
  });
}

TEST_F(IdentityKeeperTest, AnIdentityThatAnotherTookDuringTheFaultStaysTheirs) {
  AtEveryCall([this](int number, Fault fault) {
    Site site(*this);
    const Endpoint gone{"127.0.0.1", FreePort()};
    EXPECT_TRUE(site.other.identities.Take({.uuid = "s", .endpoint = gone, .epoch = 7}));
    EXPECT_TRUE(site.other_session->Delete("/redis/identities/s/taken", kAnyVersion));
    // Another address, where nothing answers: worth a wait until patience has passed, so it is free again
    // then.
    const Endpoint rival{"127.0.0.1", FreePort()};
    bool taken = false;
    site.loop.session().FailCall(number, fault, [&] {
      taken = site.other.identities.Take({.uuid = "s", .endpoint = rival, .epoch = 9}).has_value();
      if (taken) (void)site.other_session->Delete("/redis/identities/s/taken", kAnyVersion);
    });
    EXPECT_TRUE(site.keeper.Acquire(3));
    EXPECT_EQ(site.Identities().size(), 1U);
    const auto epoch = site.Identities().front().epoch;
    EXPECT_EQ(epoch, taken ? 9U : 7U) << "no epoch is taken back in which the identity may have voted";
    return site.loop.session().faults() > 0;
  });
}

TEST_F(IdentityKeeperTest, HoldsItThroughTheEndOfASessionAndAFault) {
  AtEveryCall([this](int number, Fault fault) {
    Site site(*this);
    EXPECT_TRUE(site.keeper.Acquire(3));
    const store::Identity own = site.keeper.identity();
    site.Expire();
    site.loop.session().FailCall(number, fault);
    auto hold = site.keeper.Keep();
    const bool happened = site.loop.session().faults() > 0;
    EXPECT_EQ(hold, happened ? Hold::kUnsure : Hold::kHeld);
    if (happened) hold = site.keeper.Keep();
    EXPECT_EQ(hold, Hold::kHeld);
    EXPECT_EQ(site.Identities(), std::vector{own});
    return happened;
  });
}

TEST_F(IdentityKeeperTest, LosesItToAnotherWhicheverCallFails) {
  AtEveryCall([this](int number, Fault fault) {
    Site site(*this);
    EXPECT_TRUE(site.keeper.Acquire(3));
    store::Identity theirs = site.keeper.identity();
    theirs.endpoint = {"127.0.0.1", FreePort()};
    site.Expire();
    EXPECT_TRUE(site.other.identities.Take(theirs));
    site.loop.session().FailCall(number, fault);
    auto hold = site.keeper.Keep();
    const bool happened = site.loop.session().faults() > 0;
    EXPECT_EQ(hold, happened ? Hold::kUnsure : Hold::kLost);
    if (happened) hold = site.keeper.Keep();
    EXPECT_EQ(hold, Hold::kLost);
    EXPECT_EQ(site.Identities(), std::vector{theirs});
    return happened;
  });
}

TEST_F(IdentityKeeperTest, IsUnsureWithoutAConnectionAndSeesItsEchoAfterwards) {
  Site site(*this);
  ASSERT_TRUE(site.keeper.Acquire(3));
  const auto id = site.loop.session().id();
  site.zookeeper.Disconnect(id);
  EXPECT_EQ(site.keeper.Keep(), Hold::kUnsure);
  site.zookeeper.Reconnect(id);
  EXPECT_EQ(site.keeper.Keep(), Hold::kHeld);

  // The session of a killed predecessor at the same address lives on.
  Site later(*this);
  ASSERT_TRUE(later.keeper.Acquire(3));
  later.Expire();
  ASSERT_TRUE(later.other.identities.Take(later.keeper.identity()));
  EXPECT_EQ(later.keeper.Keep(), Hold::kEcho);
  later.zookeeper.Expire(later.other_session->id());
  EXPECT_EQ(later.keeper.Keep(), Hold::kHeld);
}

TEST_F(IdentityKeeperTest, WritesDownAnEpochThatHasGrown) {
  AtEveryCall([this](int number, Fault fault) {
    Site site(*this);
    EXPECT_TRUE(site.keeper.Acquire(3));
    site.loop.session().FailCall(number, fault);
    site.keeper.NoteEpoch(5);
    site.loop.session().Heal();
    site.keeper.NoteEpoch(5);
    site.keeper.NoteEpoch(4);
    EXPECT_EQ(site.Identities().front().epoch, 5U);
    return site.loop.session().faults() > 0;
  });
}

}  // namespace
}  // namespace redis_zk::testing::identity_keeper_test
