#include "sentinel-wrapper/monitoring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "sentinel-wrapper/identity.h"
#include "store/sentinel_id.h"

namespace redis_zk::testing::monitoring_test {
namespace {

using sentinel_wrapper::Fleet;
using sentinel_wrapper::Monitoring;
using sentinel_wrapper::MonitoringOf;
using store::Identity;
using store::Member;
using store::Record;
using store::Sentinel;
using store::SentinelIdOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const Endpoint kMaster{"10.0.0.9", 6379};
const Endpoint kReplica{"10.0.0.8", 6379};
const Endpoint kOwn{"10.0.0.1", 26379};
const Endpoint kPeer{"10.0.0.2", 26379};
const std::string kOwnUuid = "00000000-0000-4000-8000-000000000001";
const std::string kPeerUuid = "00000000-0000-4000-8000-000000000002";
const std::string kOtherUuid = "00000000-0000-4000-8000-000000000003";
const Record kRecord{.state = Record::State::kMaster, .master = kMaster, .epoch = 5};
const Identity kIdentity{.uuid = kOwnUuid, .endpoint = kOwn, .epoch = 7, .taken = true};

Fleet::Group Of(const Record& record, std::vector<Member> members = {}) {
  return {.name = "master1", .record = record, .members = std::move(members)};
}
Member At(const Endpoint& endpoint) { return {.uuid = "m", .endpoint = endpoint, .serving = true}; }
Identity IdentityOf(const std::string& uuid, const Endpoint& endpoint, std::uint64_t epoch = 0) {
  return {.uuid = uuid, .endpoint = endpoint, .epoch = epoch, .taken = true};
}

TEST(MonitoringTest, SaysWhatIsRegistered) {
  const auto monitoring = MonitoringOf(kIdentity, {.groups = {Of(kRecord, {At(kMaster), At(kReplica)})},
                                                   .identities = {kIdentity, IdentityOf(kPeerUuid, kPeer, 6)},
                                                   .sentinels = {{kOwnUuid, kOwn}, {kPeerUuid, kPeer}}});
  EXPECT_EQ(monitoring.sentinel_id, SentinelIdOf(kOwnUuid));
  EXPECT_EQ(monitoring.epoch, 7U);
  const Monitoring::Group group{
      .name = "master1", .master = kMaster, .config_epoch = 5, .replicas = {kReplica}};
  EXPECT_THAT(monitoring.groups, ElementsAre(group));
  EXPECT_THAT(monitoring.peers, ElementsAre(sentinel::Peer{kPeer, SentinelIdOf(kPeerUuid)}));
}

TEST(MonitoringTest, KeepsGroupsApart) {
  const Endpoint other{"10.0.0.7", 6379};
  const Fleet::Group second{.name = "orders",
                            .record = {.state = Record::State::kMaster, .master = other, .epoch = 2},
                            .members = {At(other)}};
  const auto monitoring = MonitoringOf(kIdentity, {.groups = {Of(kRecord, {At(kReplica)}), second}});
  const Monitoring::Group first{
      .name = "master1", .master = kMaster, .config_epoch = 5, .replicas = {kReplica}};
  const Monitoring::Group orders{.name = "orders", .master = other, .config_epoch = 2, .replicas = {}};
  EXPECT_THAT(monitoring.groups, ElementsAre(first, orders));
}

TEST(MonitoringTest, WhoIsStartingIsNoReplicaYet) {
  const Fleet fleet{.groups = {Of(kRecord, {{.uuid = "m", .endpoint = kReplica}})}};
  EXPECT_THAT(MonitoringOf(kIdentity, fleet).groups.front().replicas, IsEmpty());
}

TEST(MonitoringTest, StartsWithTheFleetsHighestEpoch) {
  const Record newer{.state = Record::State::kMaster, .master = kMaster, .epoch = 13};
  EXPECT_EQ(
      MonitoringOf(kIdentity, {.groups = {Of(kRecord)}, .identities = {IdentityOf(kPeerUuid, kPeer, 11)}})
          .epoch,
      11U);
  EXPECT_EQ(MonitoringOf(kIdentity, {.groups = {Of(kRecord), Of(newer)}}).epoch, 13U);
  EXPECT_EQ(MonitoringOf(kIdentity, {.groups = {Of(kRecord)}}).epoch, 7U);
  const Record garbage{
      .state = Record::State::kMaster, .master = kMaster, .epoch = store::kMostToldEpoch + 1};
  const auto monitoring = MonitoringOf(kIdentity, {.groups = {Of(garbage)}});
  EXPECT_EQ(monitoring.epoch, 7U) << "a Sentinel would hand it on to all others";
  EXPECT_EQ(monitoring.groups.front().config_epoch, 0U);
}

TEST(MonitoringTest, NamesNobodyTwice) {
  // Sentinel ends at the second line that names the same replica or the same id.
  const auto monitoring = MonitoringOf(
      kIdentity, {.groups = {Of(kRecord, {At(kReplica), At(kReplica), At(kMaster)})},
                  .identities = {kIdentity, IdentityOf(kPeerUuid, kPeer), IdentityOf(kOtherUuid, kPeer)},
                  .sentinels = {{kPeerUuid, kPeer}, {kPeerUuid, {"10.0.0.4", 1}}, {kOtherUuid, kPeer}}});
  EXPECT_THAT(monitoring.groups.front().replicas, ElementsAre(kReplica));
  EXPECT_EQ(monitoring.peers.size(), 1U);
}

TEST(MonitoringTest, IsNoPeerOfItself) {
  const Fleet fleet{.groups = {Of(kRecord)},
                    .identities = {kIdentity, IdentityOf(kPeerUuid, kOwn)},
                    // Under our identity at its last holder's address, and under another identity at ours.
                    .sentinels = {{kOwnUuid, {"10.0.0.4", 26379}}, {kPeerUuid, kOwn}}};
  EXPECT_THAT(MonitoringOf(kIdentity, fleet).peers, IsEmpty());
}

TEST(MonitoringTest, NamesNoSentinelWhoseIdNobodyKnows) {
  // One of the original daemons: it has no identity, and the uuid says nothing about its id.
  const Fleet fleet{.groups = {Of(kRecord)}, .identities = {kIdentity}, .sentinels = {{kPeerUuid, kPeer}}};
  EXPECT_THAT(MonitoringOf(kIdentity, fleet).peers, IsEmpty());
}

}  // namespace
}  // namespace redis_zk::testing::monitoring_test
