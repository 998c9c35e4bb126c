// Claims to an address when a call fails before or after it took effect, or takes effect late.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "daemon/address_claim.h"
#include "store/addresses.h"
#include "unit/wrapper_fixture.h"

namespace redis_zk::testing::address_faults_test {
namespace {

using store::Addresses;
using zookeeper::Watch;

const Endpoint kAddress{"10.0.0.1", 6379};

// Whose claims stand at the address, in their order.
std::vector<std::string> Claims(zookeeper::Session& session) {
  std::vector<std::string> claims;
  auto names = session.Children("/redis/announced", Watch::kNo).value_or(std::vector<std::string>{});
  std::sort(names.begin(), names.end());
  for (const auto& name : names) claims.push_back(session.Get("/redis/announced/" + name, Watch::kNo)->data);
  return claims;
}

TEST(AddressFaultsTest, AnAddressIsClaimedOnce) {
  AtEveryCall([](int number, Fault fault) {
    FaultSite site;
    EXPECT_TRUE(site.other.groups.Ensure("master1"));
    Addresses addresses(site.session, "/redis");
    site.session.FailCall(number, fault);
    auto other = addresses.Claim(kAddress, "mine", false);
    if (!other) other = addresses.Claim(kAddress, "mine", false);
    EXPECT_FALSE(other.value().has_value());
    EXPECT_EQ(Claims(*site.other_session), std::vector<std::string>{"mine"});
    return site.session.faults() > 0;
  });
}

TEST(AddressFaultsTest, OneOfTwoHasTheAddress) {
  AtEveryCall([](int number, Fault fault) {
    FaultSite site;
    Addresses mine(site.session, "/redis");
    Addresses others(*site.other_session, "/redis");
    int owners = 0;
    site.session.FailCall(number, fault,
                          [&] { owners += others.Claim(kAddress, "other's", false).value() ? 0 : 1; });
    auto other = mine.Claim(kAddress, "mine", false);
    if (!other) other = mine.Claim(kAddress, "mine", false);
    owners += other.value() ? 0 : 1;
    EXPECT_EQ(owners, 1);
    return site.session.faults() > 0;
  });
}

TEST(AddressFaultsTest, AClaimThatIsPutBackTellsOfTheOneBeforeIt) {
  AtEveryCall([](int number, Fault fault) {
    FaultSite site;
    Addresses mine(site.session, "/redis");
    EXPECT_FALSE(mine.Claim(kAddress, "mine", false).value());
    site.Expire();
    Addresses others(*site.other_session, "/redis");
    EXPECT_FALSE(others.Claim(kAddress, "other's", false).value());
    site.session.FailCall(number, fault);
    auto before = mine.PutBack(kAddress, "mine");
    site.session.Heal();
    if (!before) before = mine.PutBack(kAddress, "mine");
    EXPECT_TRUE(before.value().has_value()) << "whichever answer was lost";
    EXPECT_EQ(Claims(*site.other_session), (std::vector<std::string>{"other's", "mine"}));
    EXPECT_FALSE(mine.PutBack(kAddress, "mine").value()) << "told once";
    return site.session.faults() > 0;
  });
}

class AddressClaimTest : public WrapperTest {
 protected:
  daemon::AddressClaim Claim(FaultyLoop& loop) {
    return {*loop, common_, server_, network_.network().redis, "redis-wrapper"};
  }
};

TEST_F(AddressClaimTest, IsAwaitedThroughAFault) {
  for (const Fault fault : {Fault::kBefore, Fault::kAfter, Fault::kLate}) {
    FakeZooKeeper zookeeper;
    const auto observer = OpenFake(zookeeper);
    FaultyLoop loop(zookeeper, signals(), common_, server_);
    auto claim = Claim(loop);
    // The creation of the claim, after that of its two parents and a look at the other claims.
    loop.session().FailCall(5, fault);
    const TimePoint begun = Clock::now();
    EXPECT_FALSE(claim.Await().has_value());
    EXPECT_EQ(loop.session().faults(), 1);
    EXPECT_GE(Clock::now() - begun, 100ms) << "it has tried again";
    EXPECT_EQ(Claims(*observer).size(), 1U);
    const int calls = loop.session().calls();
    EXPECT_FALSE(claim.Await().has_value());
    EXPECT_EQ(loop.session().calls(), calls) << "this session has it";
  }
}

TEST_F(AddressClaimTest, IsKeptThroughTheEndOfASessionAndAFault) {
  AtEveryCall([this](int number, Fault fault) {
    FakeZooKeeper zookeeper;
    const auto observer = OpenFake(zookeeper);
    FaultyLoop loop(zookeeper, signals(), common_, server_);
    auto claim = Claim(loop);
    EXPECT_FALSE(claim.Await().has_value());
    zookeeper.Expire(loop.session().id());
    EXPECT_TRUE(Claims(*observer).empty());
    loop->Pump(Clock::now());
    loop.session().FailCall(number, fault);
    claim.Keep();
    loop.session().Heal();
    claim.Keep();
    EXPECT_EQ(Claims(*observer).size(), 1U);
    return loop.session().faults() > 0;
  });
}

}  // namespace
}  // namespace redis_zk::testing::address_faults_test
