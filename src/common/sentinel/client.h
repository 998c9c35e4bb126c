// Questions to Sentinels, and orders.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "net/endpoint.h"
#include "redis/servers.h"
#include "sentinel/reports.h"

namespace redis_zk::sentinel {

// Asks every Sentinel at once; the answers stand in the order of `sentinels`. kRefused also stands for one
// that has another id than is expected at its address: schedulers reuse addresses.
std::vector<Result<SentinelReport>> AskSentinels(redis::Servers& servers, const std::vector<Peer>& sentinels,
                                                 const std::string& group);

// Asks every Sentinel about many groups, over one connection each: by Sentinel, in the order of `sentinels`,
// and there in the order of `groups`.
std::vector<std::vector<Result<SentinelReport>>> AskSentinels(redis::Servers& servers,
                                                              const std::vector<Peer>& sentinels,
                                                              const std::vector<std::string>& groups);

// The same, with the groups' replicas.
std::vector<std::vector<Result<GroupReport>>> AskAboutGroups(redis::Servers& servers,
                                                             const std::vector<Peer>& sentinels,
                                                             const std::vector<std::string>& groups);

// In the order of `sentinels`.
std::vector<Result<KnownInstances>> AskKnownInstances(redis::Servers& servers,
                                                      const std::vector<Endpoint>& sentinels,
                                                      const std::string& group);

// The Sentinel that each has voted for in the last election of the group with this master, itself for a
// failover that it leads, also for one that it was ordered to run: in the order of `sentinels`.
std::vector<Result<Vote>> AskVotes(redis::Servers& servers, const std::vector<Endpoint>& sentinels,
                                   const Endpoint& master);

// One Sentinel. An order whose answer did not come may have been carried out.
class Client {
 public:
  // `servers` must outlive this; it has the credentials and the timeout.
  Client(redis::Servers& servers, Endpoint sentinel) : servers_(servers), sentinel_(std::move(sentinel)) {}

  Result<KnownInstances> AskKnownInstances(const std::string& group) const;

  // SENTINEL FAILOVER: promotes a replica without asking the other Sentinels. kRefused carries Sentinel's
  // answer (INPROG, NOGOODSLAVE...). failover/order.h knows when it may be sent. Not graceful while the
  // master lives: it stays master for some 11 s.
  //
  // Ask the last of those registered first: in SENTINEL MASTERS, which redis-py reads, the Sentinel that
  // leads a failover names the old master for a second longer than the others do, and applications ask in
  // the order in which /sentinels lists them.
  Status RequestFailover(const std::string& group) const;

  // SENTINEL SET: of this Sentinel alone, and until it is set again.
  Status SetOption(const std::string& group, const std::string& setting, const std::string& value) const;

  // How often it asks the servers of all its groups for INFO. kRefused: it does not know the command, as
  // before Redis 7.0.
  Result<Duration> AskInfoPeriod() const;
  Status SetInfoPeriod(Duration period) const;

  // SENTINEL RESET: forgets the group's replicas and the other Sentinels, to find them again from the master.
  // With the master down, or while a failover runs, that makes the group unrecoverable.
  Status RequestReset(const std::string& group) const;

  // SENTINEL REMOVE: monitors the group no longer.
  Status StopMonitoring(const std::string& group) const;

  // Tells it where its peers are, as their own hellos would two seconds later (sentinel.c,
  // sentinelPublishCommand). Of one whose id it knows, the address changes. Groups that it does not monitor
  // are passed over.
  Status AnnouncePeers(const std::vector<Peer>& peers, const std::vector<std::string>& groups) const;

  // Tells it the group's master, as a hello of `peer` would. One that it does not list it adds. With an epoch
  // newer than its own config epoch it takes that master at once, in TILT and in the middle of a failover,
  // too (sentinel.c, sentinelProcessHelloMessage). REQUIRES: `master` is an IP address; of a name that it
  // cannot resolve Sentinel takes the epoch alone.
  Status AnnounceMaster(const std::string& group, const Endpoint& master, std::uint64_t epoch,
                        const Peer& peer) const;

 private:
  Status Publish(const std::vector<redis::Command>& hellos) const;

  redis::Servers& servers_;
  const Endpoint sentinel_;
};

}  // namespace redis_zk::sentinel
