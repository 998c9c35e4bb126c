// What Sentinels say, as values, and how their replies are read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "net/endpoint.h"
#include "redis/connection.h"

namespace redis_zk::sentinel {

// A Sentinel as another one, or its registration, knows it.
struct Peer {
  Endpoint endpoint;
  std::string id;  // 40 hexadecimal digits; empty: not known

  bool operator==(const Peer&) const = default;
};

// What one Sentinel says about one group.
struct SentinelReport {
  Endpoint sentinel;
  std::string id;           // SENTINEL MYID; empty: it cannot say, as before Redis 6.2
  bool identified = false;  // it has the id that was expected
  // It does not trust its clock, and neither begins nor goes on with a failover for half a minute; an order
  // for one it takes all the same, and carries it out then (sentinel.c, sentinelCheckTiltCondition).
  bool tilt = false;
  // SENTINEL GET-MASTER-ADDR-BY-NAME. During a failover it is the promoted replica as soon as it is promoted,
  // a second before +switch-master on the Sentinel that leads it (sentinel.c,
  // sentinelGetCurrentMasterAddress).
  Endpoint master;
  // The epoch of the last failover that this Sentinel knows of; 0 before any, and again after all were
  // re-created.
  std::uint64_t config_epoch = 0;
  std::uint64_t known_replicas = 0;
  std::uint64_t known_sentinels = 0;  // others than this one
  std::uint64_t quorum = 0;
  bool master_down = false;  // subjectively or objectively
  bool failover_in_progress = false;
  bool master_connected = true;  // its own link to the master stands
  Duration down_after{};         // silence after which an instance counts as down
  Duration failover_timeout{};   // after which a failover that does not get on is given up
  std::uint64_t parallel_syncs = 0;
};

// How many Sentinels there are for all that one knows, itself among them: of so many a failover needs most.
inline std::uint64_t FleetOf(const SentinelReport& report) { return report.known_sentinels + 1; }

// The replies to GET-MASTER-ADDR-BY-NAME and MASTER. kNotFound: this Sentinel does not know the group.
Result<SentinelReport> ParseSentinelReport(const Endpoint& sentinel,
                                           const std::vector<redis::Reply>& replies);

// What a Sentinel believes of one replica: SENTINEL REPLICAS.
struct ReplicaReport {
  Endpoint endpoint;
  bool down = false;  // subjectively down or disconnected
  bool master_link_up = false;
  bool acts_as_master = false;  // by its last answer to this Sentinel
  bool promoted = false;        // selected by the failover that this Sentinel leads
  std::int64_t priority = 100;  // the lowest is promoted first, 0 never
};
// Whether the failover that a Sentinel leads has got as far as choosing one of these: from then on it is
// certain.
bool HasChosen(const std::vector<ReplicaReport>& replicas);

// What it believes of one other Sentinel: SENTINEL SENTINELS.
struct PeerReport {
  std::string id;  // 40 hexadecimal digits
  Endpoint endpoint;
  bool down = false;
};
struct KnownInstances {
  std::vector<ReplicaReport> replicas;
  std::vector<PeerReport> peers;
};

// The replies to SLAVES and SENTINELS. Entries that cannot be read are an error: half a list is no basis for
// cleaning up.
Result<std::vector<ReplicaReport>> ParseReplicas(const Endpoint& sentinel, const redis::Reply& reply);
Result<std::vector<PeerReport>> ParsePeers(const Endpoint& sentinel, const redis::Reply& reply);

// What a Sentinel has voted for.
struct Vote {
  std::string leader;  // the id; "*": none yet
  std::uint64_t epoch = 0;
};
// The reply to IS-MASTER-DOWN-BY-ADDR.
Result<Vote> ParseVote(const Endpoint& sentinel, const redis::Reply& reply);

// The reply to SENTINEL DEBUG. kRefused: this Sentinel has no such period, as before Redis 7.0.
Result<Duration> ParseInfoPeriod(const Endpoint& sentinel, const redis::Reply& reply);

// Whether the answer to SENTINEL FAILOVER was that one runs already. Then no other Sentinel may be asked: it
// would begin a second one.
bool IsFailoverRunning(const Error& error);

// One Sentinel's report about one group, with the group's replicas.
struct GroupReport {
  SentinelReport report;
  std::vector<ReplicaReport> replicas;
};

// The master that more than half of `asked` Sentinels name; nothing when there is none.
struct MajorityMaster {
  Endpoint master;
  std::uint64_t config_epoch;  // the highest among those who name it
  std::size_t votes;
};
std::optional<MajorityMaster> FindMajority(const std::vector<SentinelReport>& reports, std::size_t asked);

}  // namespace redis_zk::sentinel
