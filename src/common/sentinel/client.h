// Questions to Sentinels, typed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net/endpoint.h"
#include "redis/connection.h"
#include "redis/credentials.h"

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

// The replies to GET-MASTER-ADDR-BY-NAME and MASTER. kNotFound: this Sentinel does not know the group.
Result<SentinelReport> ParseSentinelReport(const Endpoint& sentinel,
                                           const std::vector<redis::Reply>& replies);

// Asks every Sentinel at once; the answers stand in the order of `sentinels`. kRefused also stands for one
// that has another id than is expected at its address: schedulers reuse addresses.
std::vector<Result<SentinelReport>> AskSentinels(const std::vector<Peer>& sentinels,
                                                 const redis::Credentials& credentials,
                                                 const std::string& group, Duration timeout);

// Asks every Sentinel about many groups, over one connection each: by Sentinel, in the order of `sentinels`,
// and there in the order of `groups`.
std::vector<std::vector<Result<SentinelReport>>> AskSentinels(const std::vector<Peer>& sentinels,
                                                              const redis::Credentials& credentials,
                                                              const std::vector<std::string>& groups,
                                                              Duration timeout);

// SENTINEL FAILOVER: promotes a replica without asking the other Sentinels. kRefused carries Sentinel's
// answer (INPROG, NOGOODSLAVE...). Not graceful while the master lives: it stays master for some 11 s.
//
// Ask the last of those registered first: in SENTINEL MASTERS, which redis-py reads, the Sentinel that leads
// a failover names the old master for a second longer than the others do, and applications ask in the order
// in which /sentinels lists them.
Status RequestFailover(const Endpoint& sentinel, const redis::Credentials& credentials,
                       const std::string& group, Duration timeout);

// Whether the answer to RequestFailover was that one runs already. Then no other Sentinel may be asked: it
// would begin a second one.
bool IsFailoverRunning(const Error& error);

// What a Sentinel believes of one replica: SENTINEL REPLICAS.
struct ReplicaReport {
  Endpoint endpoint;
  bool down = false;  // subjectively down or disconnected
  bool master_link_up = false;
  Duration master_link_down_for{};  // when it was asked last; 0 while the link stands
  bool promoted = false;            // selected by the failover that this Sentinel leads
  std::int64_t priority = 100;      // the lowest is promoted first, 0 never
  // It has answered INFO since this Sentinel knows it; before, Sentinel promotes it on no account.
  bool asked = true;
};
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
// Entries that cannot be read are an error: half a list is no basis for cleaning up.
Result<KnownInstances> AskKnownInstances(const Endpoint& sentinel, const redis::Credentials& credentials,
                                         const std::string& group, Duration timeout);
// Asks many at once; the answers stand in the order of `sentinels`.
std::vector<Result<KnownInstances>> AskKnownInstances(const std::vector<Endpoint>& sentinels,
                                                      const redis::Credentials& credentials,
                                                      const std::string& group, Duration timeout);

// One Sentinel's report about one group, with the group's replicas.
struct GroupReport {
  SentinelReport report;
  std::vector<ReplicaReport> replicas;
};
// Asks every Sentinel at once about many groups; the answers by Sentinel, then by group.
std::vector<std::vector<Result<GroupReport>>> AskAboutGroups(const std::vector<Peer>& sentinels,
                                                             const redis::Credentials& credentials,
                                                             const std::vector<std::string>& groups,
                                                             Duration timeout);

// SENTINEL SET ... down-after-milliseconds, of this Sentinel alone and until it is set again.
Status SetDownAfter(const Endpoint& sentinel, const redis::Credentials& credentials, const std::string& group,
                    Duration down_after, Duration timeout);

// SENTINEL SET ... failover-timeout, the same.
Status SetFailoverTimeout(const Endpoint& sentinel, const redis::Credentials& credentials,
                          const std::string& group, Duration failover_timeout, Duration timeout);

// How often a Sentinel asks the servers of all its groups for INFO. kRefused: it does not know the command,
// as before Redis 7.0.
Result<Duration> AskInfoPeriod(const Endpoint& sentinel, const redis::Credentials& credentials,
                               Duration timeout);
Status SetInfoPeriod(const Endpoint& sentinel, const redis::Credentials& credentials, Duration period,
                     Duration timeout);

// SENTINEL SET ... `setting`, for any other of its settings.
Status SetOption(const Endpoint& sentinel, const redis::Credentials& credentials, const std::string& group,
                 const std::string& setting, const std::string& value, Duration timeout);

// SENTINEL RESET: forgets the group's replicas and the other Sentinels, to find them again from the master.
// With the master down, or while a failover runs, that makes the group unrecoverable.
Status RequestReset(const Endpoint& sentinel, const redis::Credentials& credentials, const std::string& group,
                    Duration timeout);

// SENTINEL REMOVE: monitors the group no longer.
Status StopMonitoring(const Endpoint& sentinel, const redis::Credentials& credentials,
                      const std::string& group, Duration timeout);

// Tells a Sentinel where its peers are, as their own hellos would two seconds later (sentinel.c,
// sentinelPublishCommand). Of one whose id it knows, the address changes. Groups that it does not monitor are
// passed over.
Status AnnouncePeers(const Endpoint& sentinel, const redis::Credentials& credentials,
                     const std::vector<Peer>& peers, const std::vector<std::string>& groups,
                     Duration timeout);

// The master that more than half of `asked` Sentinels name; nothing when there is none.
struct MajorityMaster {
  Endpoint master;
  std::uint64_t config_epoch;  // the highest among those who name it
  std::size_t votes;
};
std::optional<MajorityMaster> FindMajority(const std::vector<SentinelReport>& reports, std::size_t asked);

}  // namespace redis_zk::sentinel
