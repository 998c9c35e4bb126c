#include "watcher/doctor/checks.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "watcher/expiring.h"
#include "watcher/words.h"

namespace redis_zk::watcher::doctor {

namespace {

// Every decision takes some round trips to ZooKeeper, a failover a dozen.
constexpr Clock::duration kSlowZooKeeper = 100ms;
// Servers have 500 ms for an answer.
constexpr Clock::duration kSlowServer = 100ms;
constexpr Clock::duration kWrongClock = 1s;
constexpr Clock::duration kSlowName = 200ms;

std::string InMilliseconds(Clock::duration duration) {
  return fmt::format("{} ms", std::chrono::duration_cast<Duration>(duration).count());
}

// Both kinds of servers, one after the other.
template <class Look>
void ForEachServer(const Checkup& checkup, Look look) {
  for (const auto& redis : checkup.redis) look(redis.group, "Redis", redis);
  for (const auto& sentinel : checkup.sentinels) look("", "Sentinel", sentinel);
}

bool TellsSettings(const Checkup& checkup) {
  return std::any_of(checkup.redis.begin(), checkup.redis.end(),
                     [](const auto& redis) { return !redis.settings.empty(); });
}

bool TellsTime(const Checkup& checkup) {
  return std::any_of(checkup.redis.begin(), checkup.redis.end(),
                     [](const auto& redis) { return redis.clock_ahead.has_value(); });
}

bool RunsRedisHere(const Checkup& checkup) { return !checkup.machine.servers.empty(); }

}  // namespace

const std::vector<Check>& Checks() {
  static const std::vector<Check> checks{{"status", LookAtStatus},
                                         {"zookeeper", LookAtZooKeeper},
                                         {"znodes", LookAtZnodes},
                                         {"reachability", LookAtReachability},
                                         {"settings", LookAtSettings},
                                         {"names", LookAtNames},
                                         {"latency", LookAtLatency},
                                         {"clocks", LookAtClocks, TellsTime},
                                         {"quorum", LookAtQuorum},
                                         {"down-after", LookAtDownAfter},
                                         {"stale-entries", LookAtStaleEntries},
                                         {"priorities", LookAtPriorities},
                                         {"min-replicas", LookAtMinReplicas, TellsSettings},
                                         {"persistence", LookAtPersistence, TellsSettings},
                                         {"clients", LookAtClients, TellsSettings},
                                         {"memory", LookAtMemory, TellsSettings},
                                         {"versions", LookAtVersions},
                                         {"open-servers", LookAtOpenServers},
                                         {"certificates", LookAtCertificates},
                                         {"machine", LookAtMachine, RunsRedisHere}};
  return checks;
}

std::vector<CheckResult> RunChecks(const Checkup& checkup) {
  std::vector<CheckResult> results;
  for (const auto& check : Checks()) {
    if (check.possible != nullptr && !check.possible(checkup)) {
      results.push_back({.name = check.name, .findings = {}, .checked = false});
      continue;
    }
    auto findings = check.look(checkup);
    std::stable_sort(findings.begin(), findings.end(),
                     [](const auto& a, const auto& b) { return a.severity > b.severity; });
    results.push_back({.name = check.name, .findings = std::move(findings)});
  }
  return results;
}

std::vector<Finding> LookAtStatus(const Checkup& checkup) {
  std::vector<Finding> findings;
  if (checkup.status.groups.empty())
    findings.push_back(
        {Severity::kWarning, "", "no group has a node or a master yet; start a redis-wrapper"});
  for (const auto& [name, group] : checkup.status.groups) {
    const bool serves =
        group.master && group.master->info && group.master->info->role == redis::Role::kMaster;
    if (!serves) {
      findings.push_back({Severity::kError, name,
                          HasMaster(group.record)
                              ? fmt::format("the recorded master {} does not serve as master; see watcher "
                                            "status {} and watcher explain {}",
                                            group.record.master.ToAddress(), name, name)
                              : fmt::format("no master is recorded; see watcher explain {}", name)});
    } else if (!group.warnings.empty()) {
      findings.push_back(
          {Severity::kWarning, name,
           fmt::format("{} now, the first: {}; see watcher status {}",
                       Counted(group.warnings.size(), "warning"), group.warnings.front(), name)});
    }
  }
  return findings;
}

std::vector<Finding> LookAtZooKeeper(const Checkup& checkup) {
  std::vector<Finding> findings;
  const std::size_t servers = checkup.zookeepers;
  if (servers == 1) {
    findings.push_back({Severity::kAdvice, "",
                        "ZK_HOSTS names one ZooKeeper server: while it is away, no node can start and no "
                        "failover is recorded; run three, and name them all"});
  } else if (servers % 2 == 0) {
    findings.push_back({Severity::kAdvice, "",
                        fmt::format("ZK_HOSTS names {} ZooKeeper servers: an even number survives no more "
                                    "failures than one server less",
                                    servers)});
  }
  if (checkup.zookeeper_took > kSlowZooKeeper)
    findings.push_back({Severity::kWarning, "",
                        fmt::format("ZooKeeper took {} to answer; give its log a disk of its own, and check "
                                    "the network",
                                    InMilliseconds(checkup.zookeeper_took))});
  return findings;
}

std::vector<Finding> LookAtZnodes(const Checkup& checkup) {
  if (!checkup.credentials)
    return {{Severity::kWarning, "",
             "ZK_USERNAME is not set: every host that reaches ZooKeeper can read and change all znodes, and "
             "so who is master; set ZK_USERNAME and ZK_PASSWORD_FILE everywhere"}};
  const auto& open = checkup.topology.open_znodes;
  if (!open || open->count == 0) return {};
  return {{Severity::kWarning, "", DescribeOpen(*open)}};
}

std::vector<Finding> LookAtReachability(const Checkup& checkup) {
  std::vector<Finding> findings;
  ForEachServer(checkup, [&](const std::string& group, const char* kind, const Answers& server) {
    if (server.error.empty()) return;
    findings.push_back({Severity::kError, group,
                        fmt::format("{} {} does not answer this machine: {}; check ANNOUNCE_IP, "
                                    "ANNOUNCE_PORT and the network",
                                    kind, server.endpoint.ToAddress(), server.error)});
  });
  return findings;
}

std::vector<Finding> LookAtSettings(const Checkup& checkup) {
  std::vector<Finding> findings;
  for (const auto& redis : checkup.redis) {
    if (!redis.error.empty() || !redis.settings.empty()) continue;
    findings.push_back(
        {Severity::kWarning, redis.group,
         fmt::format("{} refuses CONFIG GET: min-replicas, persistence, clients and memory were "
                     "not checked there; allow it to REDIS_USERNAME",
                     redis.endpoint.ToAddress())});
  }
  return findings;
}

std::vector<Finding> LookAtNames(const Checkup& checkup) {
  std::vector<Finding> findings;
  for (const auto& [name, addresses, took] : checkup.names) {
    if (!addresses) {
      findings.push_back({Severity::kError, "",
                          fmt::format("the announced name {} cannot be resolved on this machine: {}", name,
                                      addresses.error().message)});
    } else if (addresses->size() > 1) {
      findings.push_back({Severity::kWarning, "",
                          fmt::format("the announced name {} stands for {} addresses, {}: daemons may reach "
                                      "different servers under it",
                                      name, addresses->size(), fmt::join(*addresses, ", "))});
    } else if (took > kSlowName) {
      findings.push_back({Severity::kWarning, "",
                          fmt::format("resolving the announced name {} took {}; check the name servers, or "
                                      "announce addresses",
                                      name, InMilliseconds(took))});
    }
  }
  return findings;
}

std::vector<Finding> LookAtLatency(const Checkup& checkup) {
  std::vector<Finding> findings;
  ForEachServer(checkup, [&](const std::string& group, const char* kind, const Answers& server) {
    if (!server.round_trip || *server.round_trip <= kSlowServer) return;
    findings.push_back({Severity::kWarning, group,
                        fmt::format("{} {} takes {} to answer PING: it counts as silent after 500 ms; look "
                                    "at SLOWLOG GET and the network",
                                    kind, server.endpoint.ToAddress(), InMilliseconds(*server.round_trip))});
  });
  return findings;
}

std::vector<Finding> LookAtClocks(const Checkup& checkup) {
  std::vector<Finding> findings;
  ForEachServer(checkup, [&](const std::string& group, const char* kind, const Answers& server) {
    if (!server.clock_ahead || std::chrono::abs(*server.clock_ahead) <= kWrongClock) return;
    findings.push_back(
        {Severity::kWarning, group,
         fmt::format("the clock of {} {} is {} {} this machine's: log lines and the event log cannot be "
                     "put in order, and keys expire at other times; run a time service such as chrony",
                     kind, server.endpoint.ToAddress(), InSeconds(std::chrono::abs(*server.clock_ahead)),
                     *server.clock_ahead > Clock::duration{} ? "ahead of" : "behind")});
  });
  return findings;
}

std::vector<Finding> LookAtCertificates(const Checkup& checkup) {
  std::vector<Finding> findings;
  for (auto& sentence : DescribeExpiring(checkup.topology.certificates, checkup.unix_now))
    findings.push_back({Severity::kWarning, "", std::move(sentence)});
  return findings;
}

std::vector<Finding> LookAtMachine(const Checkup& checkup) {
  const auto& machine = checkup.machine;
  std::vector<Finding> findings;
  const std::string here = fmt::format("this machine, which runs {}",
                                       machine.servers.size() == 1
                                           ? "Redis " + machine.servers.front().ToAddress()
                                           : fmt::format("{} of the Redis servers", machine.servers.size()));
  if (!machine.overcommit.empty() && machine.overcommit != "1")
    findings.push_back({Severity::kWarning, "",
                        fmt::format("vm.overcommit_memory is {} on {}: a save, and the first copy of a "
                                    "replica, may fail for lack of memory; set it to 1 with sysctl",
                                    machine.overcommit, here)});
  if (machine.huge_pages == "always")
    findings.push_back({Severity::kAdvice, "",
                        fmt::format("transparent huge pages are always on on {}: a save makes Redis slow and "
                                    "large; set them to madvise",
                                    here)});
  return findings;
}

}  // namespace redis_zk::watcher::doctor
