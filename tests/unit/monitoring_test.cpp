#include "sentinel-wrapper/monitoring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "registry/sentinel_id.h"
#include "sentinel-wrapper/seat.h"

namespace redis_zk::testing {
namespace {

using registry::Member;
using registry::Record;
using registry::Seat;
using registry::Sentinel;
using registry::SentinelIdOf;
using sentinel_wrapper::Fleet;
using sentinel_wrapper::Monitoring;
using sentinel_wrapper::MonitoringOf;
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
const Seat kSeat{.uuid = kOwnUuid, .endpoint = kOwn, .epoch = 7, .taken = true};

Member At(const Endpoint& endpoint) { return {.uuid = "m", .endpoint = endpoint, .serving = true}; }
Seat SeatOf(const std::string& uuid, const Endpoint& endpoint, std::uint64_t epoch = 0) {
  return {.uuid = uuid, .endpoint = endpoint, .epoch = epoch, .taken = true};
}

TEST(MonitoringTest, SaysWhatIsRegistered) {
  const auto monitoring = MonitoringOf(kRecord, kSeat,
                                       {.seats = {kSeat, SeatOf(kPeerUuid, kPeer, 6)},
                                        .sentinels = {{kOwnUuid, kOwn}, {kPeerUuid, kPeer}},
                                        .members = {At(kMaster), At(kReplica)}});
  EXPECT_EQ(monitoring.master, kMaster);
  EXPECT_EQ(monitoring.sentinel_id, SentinelIdOf(kOwnUuid));
  EXPECT_EQ(monitoring.epoch, 7U);
  EXPECT_EQ(monitoring.config_epoch, 5U);
  EXPECT_THAT(monitoring.replicas, ElementsAre(kReplica));
  EXPECT_THAT(monitoring.peers, ElementsAre(Monitoring::Peer{kPeer, SentinelIdOf(kPeerUuid)}));
}

TEST(MonitoringTest, WhoIsStartingIsNoReplicaYet) {
  EXPECT_THAT(MonitoringOf(kRecord, kSeat, {.members = {{.uuid = "m", .endpoint = kReplica}}}).replicas,
              IsEmpty());
}

TEST(MonitoringTest, StartsWithTheFleetsHighestEpoch) {
  EXPECT_EQ(MonitoringOf(kRecord, kSeat, {.seats = {SeatOf(kPeerUuid, kPeer, 11)}}).epoch, 11U);
  EXPECT_EQ(MonitoringOf({.state = Record::State::kMaster, .master = kMaster, .epoch = 13}, kSeat, {}).epoch,
            13U);
  EXPECT_EQ(MonitoringOf(kRecord, kSeat, {}).epoch, 7U);
}

TEST(MonitoringTest, NamesNobodyTwice) {
  // Sentinel ends at the second line that names the same replica or the same id.
  const auto monitoring =
      MonitoringOf(kRecord, kSeat,
                   {.seats = {kSeat, SeatOf(kPeerUuid, kPeer), SeatOf(kOtherUuid, kPeer)},
                    .sentinels = {{kPeerUuid, kPeer}, {kPeerUuid, {"10.0.0.4", 1}}, {kOtherUuid, kPeer}},
                    .members = {At(kReplica), At(kReplica), At(kMaster)}});
  EXPECT_THAT(monitoring.replicas, ElementsAre(kReplica));
  EXPECT_EQ(monitoring.peers.size(), 1U);
}

TEST(MonitoringTest, IsNoPeerOfItself) {
  const Fleet fleet{.seats = {kSeat, SeatOf(kPeerUuid, kOwn)},
                    // Under our seat at its last holder's address, and under another seat at ours.
                    .sentinels = {{kOwnUuid, {"10.0.0.4", 26379}}, {kPeerUuid, kOwn}},
                    .members = {}};
  EXPECT_THAT(MonitoringOf(kRecord, kSeat, fleet).peers, IsEmpty());
}

TEST(MonitoringTest, NamesNoSentinelWhoseIdNobodyKnows) {
  // One of the original daemons: it has no seat, and the uuid says nothing about its id.
  EXPECT_THAT(MonitoringOf(kRecord, kSeat, {.seats = {kSeat}, .sentinels = {{kPeerUuid, kPeer}}}).peers,
              IsEmpty());
}

}  // namespace
}  // namespace redis_zk::testing
