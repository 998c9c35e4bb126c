#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

#include "store/sentinel_id.h"
#include "watcher/doctor/checks.h"
#include "watcher/words.h"

namespace redis_zk::watcher::doctor {

namespace {

// A stall of a second is common: a fork of a large Redis, a busy host.
constexpr Duration kShortDownAfter = 1s;
constexpr Duration kLongDownAfter = 30s;
constexpr std::size_t kFewestSentinels = 3;

// What the Sentinels that answer say about one setting: who says what.
template <class Value>
std::map<Value, std::size_t> Count(const GroupStatus& group, Value sentinel::SentinelReport::*setting) {
  std::map<Value, std::size_t> counts;
  for (const auto& sentinel : group.sentinels) {
    if (sentinel.report) ++counts[(*sentinel.report).*setting];
  }
  return counts;
}

Finding NotAlike(const std::string& group, const char* what) {
  return {Severity::kWarning, group,
          fmt::format("the Sentinels have different values of {}; give all sentinel-wrappers the same "
                      "options and sentinel.conf",
                      what)};
}

void LookAtQuorumOf(const std::string& name, const GroupStatus& group, std::vector<Finding>* findings) {
  const auto quorums = Count(group, &sentinel::SentinelReport::quorum);
  if (quorums.empty()) return;
  if (quorums.size() > 1) findings->push_back(NotAlike(name, "SENTINEL_QUORUM"));
  const std::uint64_t quorum = quorums.rbegin()->first;
  const std::size_t registered = group.sentinels.size();
  if (quorum > registered) {
    findings->push_back({Severity::kError, name,
                         fmt::format("SENTINEL_QUORUM is {} and {} registered: no failover can begin; start "
                                     "more sentinel-wrappers or lower it",
                                     quorum, CountedAre(registered, "Sentinel"))});
  } else if (quorum == registered && registered >= kFewestSentinels) {
    findings->push_back({Severity::kWarning, name,
                         fmt::format("SENTINEL_QUORUM is {}, as many as there are Sentinels: without one of "
                                     "them no failover begins; lower it to {}",
                                     quorum, registered / 2 + 1)});
  } else if (quorum == 1 && registered >= kFewestSentinels) {
    findings->push_back({Severity::kAdvice, name,
                         fmt::format("SENTINEL_QUORUM is 1: a single Sentinel that has lost its network "
                                     "begins failovers, which the others must refuse; raise it to {}",
                                     registered / 2 + 1)});
  }
}

}  // namespace

std::vector<Finding> LookAtQuorum(const Checkup& checkup) {
  std::vector<Finding> findings;
  const std::size_t registered = checkup.topology.sentinels.size();
  if (registered < kFewestSentinels) {
    findings.push_back({Severity::kWarning, "",
                        fmt::format("{} registered: a failover takes more than half of them, so none is "
                                    "possible once one has died; run three on three machines",
                                    CountedAre(registered, "Sentinel"))});
  } else if (registered % 2 == 0) {
    findings.push_back({Severity::kAdvice, "",
                        fmt::format("{} Sentinels are registered: an even number survives no more failures "
                                    "than one Sentinel less",
                                    registered)});
  }
  std::map<std::string, std::size_t> hosts;
  for (const auto& sentinel : checkup.topology.sentinels) ++hosts[sentinel.endpoint.host];
  for (const auto& [host, count] : hosts) {
    if (registered < kFewestSentinels || count * 2 < registered) continue;
    findings.push_back({Severity::kWarning, "",
                        fmt::format("{} of {} Sentinels are on {}: when that machine dies, no failover is "
                                    "possible; spread them over three machines",
                                    count, registered, host)});
  }
  for (const auto& [name, group] : checkup.status.groups) LookAtQuorumOf(name, group, &findings);
  return findings;
}

std::vector<Finding> LookAtDownAfter(const Checkup& checkup) {
  std::vector<Finding> findings;
  for (const auto& [name, group] : checkup.status.groups) {
    const auto values = Count(group, &sentinel::SentinelReport::down_after);
    if (values.empty()) continue;
    if (values.size() > 1) findings.push_back(NotAlike(name, "SENTINEL_DOWN_AFTER_MS"));
    const Duration shortest = values.begin()->first;
    const Duration longest = values.rbegin()->first;
    if (shortest < kShortDownAfter)
      findings.push_back({Severity::kWarning, name,
                          fmt::format("SENTINEL_DOWN_AFTER_MS is {}: a Redis that stands still for a moment, "
                                      "as for a fork, loses its role; set it to 1000 or more",
                                      shortest.count())});
    if (longest > kLongDownAfter)
      findings.push_back({Severity::kAdvice, name,
                          fmt::format("SENTINEL_DOWN_AFTER_MS is {}: a failover begins {} after the master "
                                      "has died",
                                      longest.count(), InSeconds(longest))});
  }
  return findings;
}

std::vector<Finding> LookAtStaleEntries(const Checkup& checkup) {
  std::vector<Finding> findings;
  std::set<std::string> registered;
  for (const auto& sentinel : checkup.topology.sentinels)
    registered.insert(store::SentinelIdOf(sentinel.uuid));
  for (const auto& [name, group] : checkup.status.groups) {
    std::set<Endpoint> peers;
    std::set<Endpoint> replicas;
    const auto serving = checkup.topology.serving.find(name);
    const auto serves = [&](const Endpoint& endpoint) {
      return serving != checkup.topology.serving.end() && serving->second.contains(endpoint);
    };
    for (const auto& sentinel : checkup.sentinels) {
      const auto known = sentinel.known.find(name);
      if (known == sentinel.known.end()) continue;
      for (const auto& peer : known->second.peers) {
        if (!registered.contains(peer.id)) peers.insert(peer.endpoint);
      }
      for (const auto& replica : known->second.replicas) {
        if (replica.down && !serves(replica.endpoint)) replicas.insert(replica.endpoint);
      }
    }
    if (!peers.empty())
      findings.push_back({Severity::kWarning, name,
                          fmt::format("Sentinels count {} not registered, such as {}: a failover takes more "
                                      "than half of all they count; the clean-up removes it after "
                                      "CLEANUP_PATIENCE if a watcher runs with CLEANUP=on",
                                      peers.size() == 1 ? "a Sentinel that is"
                                                        : fmt::format("{} Sentinels that are", peers.size()),
                                      peers.begin()->ToAddress())});
    if (!replicas.empty())
      findings.push_back(
          {Severity::kAdvice, name,
           fmt::format("Sentinels list {} gone, such as {}; the clean-up removes it after "
                       "CLEANUP_PATIENCE",
                       replicas.size() == 1 ? "a replica that is"
                                            : fmt::format("{} replicas that are", replicas.size()),
                       replicas.begin()->ToAddress())});
  }
  return findings;
}

}  // namespace redis_zk::watcher::doctor
