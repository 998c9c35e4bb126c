#include "redis-wrapper/copy_lock.h"

#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "support/failing_network.h"
#include "support/fake_fleet.h"
#include "support/fake_time.h"
#include "support/fault_site.h"
#include "unit/log_fixture.h"

namespace redis_zk::testing::copy_lock_test {
namespace {

using redis_wrapper::CopyLock;

// A server whose user has set a login, and whose answers fail on demand.
struct Site {
  Site() {
    server.config["masterauth"] = "secret";
    server.config["masteruser"] = "replica";
  }

  FakeTime time;
  FakeFleet fleet{time};
  FakeFleet::Redis& server = fleet.AddMaster({"10.0.0.1", 6379});
  FailingNetwork network{fleet.network()};
  std::unique_ptr<redis::KeptServer> kept = network.network().redis.Keep({"10.0.0.1", 6379});
  CopyLock lock{*kept};
};

void Until(const std::function<bool()>& done) {
  for (int attempt = 0; attempt < 5; ++attempt) {
    if (done()) return;
  }
  FAIL() << "it never worked";
}

// What a request does whose answer is lost, or which is carried out late, must not be taken for the user's.
TEST(CopyLockTest, GivesTheUsersLoginBackWhicheverRequestFails) {
  AtEveryCall([](int number, Fault fault) {
    Site site;
    site.network.FailCall(number, fault);
    for (int round = 0; round < 2; ++round) {
      Until([&] { return site.lock.Close(); });
      EXPECT_NE(site.server.config.at("masterauth"), "secret");
      EXPECT_EQ(site.server.config.at("masteruser"), "");
      Until([&] { return site.lock.Open(); });
      // Whatever is late arrives then, and Open is called as long as there is no link.
      site.network.DeliverLate();
      Until([&] { return site.lock.Open(); });
      EXPECT_EQ(site.server.config.at("masterauth"), "secret");
      EXPECT_EQ(site.server.config.at("masteruser"), "replica");
    }
    return site.network.faults() > 0;
  });
}

TEST(CopyLockTest, GivesItBackAgainWhereAnOldRequestIsCarriedOutAfterIt) {
  Site site;
  ASSERT_TRUE(site.lock.Close());
  const auto closed = site.server.config;
  ASSERT_TRUE(site.lock.Open());
  site.server.config = closed;
  ASSERT_TRUE(site.lock.Open());
  EXPECT_EQ(site.server.config.at("masterauth"), "secret");
  EXPECT_EQ(site.server.config.at("masteruser"), "replica");
}

TEST(CopyLockTest, KeepsWhatTheUserSetsWhileItIsClosed) {
  Site site;
  ASSERT_TRUE(site.lock.Close());
  site.server.config["masterauth"] = "another";
  ASSERT_TRUE(site.lock.Open());
  EXPECT_EQ(site.server.config.at("masterauth"), "another");
  EXPECT_EQ(site.server.config.at("masteruser"), "replica");
}

TEST(CopyLockTest, OpensWithThePasswordThatTheMasterAccepts) {
  Site site;
  ASSERT_TRUE(site.lock.Open("of the master"));
  EXPECT_EQ(site.server.config.at("masterauth"), "of the master") << "though it was never closed";
  ASSERT_TRUE(site.lock.Close());
  ASSERT_TRUE(site.lock.Open("the next one"));
  EXPECT_EQ(site.server.config.at("masterauth"), "the next one");
  EXPECT_EQ(site.server.config.at("masteruser"), "replica");
  ASSERT_TRUE(site.lock.Close());
  EXPECT_NE(site.server.config.at("masterauth"), "the next one");
}

// As with `rename-command CONFIG ""`, or a user without +config.
TEST(CopyLockTest, IsOpenWhereConfigIsRefusedAndNothingOfOursIsSet) {
  for (const auto& refused :
       std::initializer_list<std::vector<std::string>>{{"CONFIG"}, {"CONFIG", "GET"}, {"CONFIG", "SET"}}) {
    const CapturedLog log;
    Site site;
    site.server.forbidden = {refused};
    for (int i = 0; i < 2; ++i) {
      EXPECT_TRUE(site.lock.Open("of the master")) << refused.back();
      EXPECT_FALSE(site.lock.Close()) << refused.back();
    }
    EXPECT_NE(log.text().find("cannot give redis-server the password of its master"), std::string::npos);
    EXPECT_EQ(site.server.config.at("masterauth"), "secret");
  }
}

TEST(CopyLockTest, IsNotOpenWhereConfigIsRefusedOnceItIsClosedOrItDoesNotAnswer) {
  Site site;
  site.server.state = FakeFleet::State::kGone;
  EXPECT_FALSE(site.lock.Open("of the master"));
  site.server.state = FakeFleet::State::kAnswers;
  ASSERT_TRUE(site.lock.Close());
  for (const char* refused : {"GET", "SET"}) {
    site.server.forbidden = {{"CONFIG", refused}};
    EXPECT_FALSE(site.lock.Open("of the master")) << refused;
  }
  site.server.forbidden.clear();
  EXPECT_TRUE(site.lock.Open("of the master"));
}

TEST(CopyLockTest, ClosesWithAnotherTextEachTime) {
  Site site;
  ASSERT_TRUE(site.lock.Close());
  const std::string first = site.server.config.at("masterauth");
  ASSERT_TRUE(site.lock.Open());
  ASSERT_TRUE(site.lock.Close());
  EXPECT_NE(site.server.config.at("masterauth"), first);
}

}  // namespace
}  // namespace redis_zk::testing::copy_lock_test
