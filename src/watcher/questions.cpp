#include "watcher/questions.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "sentinel/client.h"
#include "store/sentinel_id.h"

namespace redis_zk::watcher {

std::vector<std::vector<Endpoint>> InTurns(const std::vector<Endpoint>& servers) {
  std::vector<std::vector<Endpoint>> turns;
  for (const auto& server : servers) {
    if (turns.empty() || turns.back().size() == kMostAtOnce) turns.emplace_back();
    turns.back().push_back(server);
  }
  return turns;
}

namespace {

// The replies of all groups at once would be the most memory that a watcher ever needs.
constexpr std::size_t kGroupsInOneQuestion = 50;

// One that did not answer in one turn is not waited for in the others.
void AskSentinelsInTurns(redis::Servers& sentinels, const Topology& topology, Findings* findings) {
  const auto peers = store::PeersIn(topology.sentinels);
  std::vector<std::optional<Error>> silent(peers.size());
  std::vector<std::string> groups;
  for (auto group = topology.groups.begin(); group != topology.groups.end();) {
    groups.push_back(group->first);
    ++group;
    if (groups.size() < kGroupsInOneQuestion && group != topology.groups.end()) continue;
    std::vector<sentinel::Peer> asked;
    for (std::size_t i = 0; i < peers.size(); ++i) {
      if (!silent[i]) asked.push_back(peers[i]);
    }
    auto answers = sentinel::AskAboutGroups(sentinels, asked, groups);
    auto answer = answers.begin();
    for (auto& why : silent) {
      for (std::size_t g = 0; g < groups.size(); ++g) {
        auto& reports = findings->reports[groups[g]];
        if (why) {
          reports.push_back(tl::unexpected(*why));
        } else {
          reports.push_back(std::move((*answer)[g]));
        }
      }
      if (why) continue;
      ++answer;
      const auto& last = findings->reports[groups.back()].back();
      if (!last && last.error().kind == ErrorKind::kTimeout) why = last.error();
    }
    groups.clear();
  }
}

// Those that were silent when they were asked last, for they hold up the turns that they are asked in.
std::set<Endpoint> SilentIn(const FleetStatus& earlier) {
  std::set<Endpoint> silent;
  const auto note = [&silent](const ServerStatus& server) {
    if (!server.info) silent.insert(server.endpoint);
  };
  for (const auto& [name, group] : earlier.groups) {
    if (group.master) note(*group.master);
    for (const auto& replica : group.replicas) note(replica);
  }
  return silent;
}

// INFO says that min-replicas-to-write is set, and not to what.
void AskMinReplicas(redis::Servers& servers, Findings* findings) {
  std::vector<Endpoint> limited;
  for (const auto& [server, info] : findings->servers) {
    if (info && info->role == redis::Role::kMaster && info->good_replicas) limited.push_back(server);
  }
  for (const auto& turn : InTurns(limited)) {
    const auto replies = servers.AskAll(turn, {{"CONFIG", "GET", "min-replicas-to-write"}});
    for (std::size_t i = 0; i < turn.size(); ++i) {
      if (!replies[i] || replies[i]->front().items.size() != 2) continue;
      findings->min_replicas[turn[i]] = std::strtoll(replies[i]->front().items[1].text.c_str(), nullptr, 10);
    }
  }
}

}  // namespace

Findings AskFleet(const redis::Network& network, const Topology& topology, const FleetStatus& earlier,
                  const std::function<bool()>& give_up) {
  Findings findings;
  AskSentinelsInTurns(network.sentinels, topology, &findings);
  std::set<Endpoint> servers;
  for (const auto& [group, record] : topology.groups) {
    if (HasMaster(record)) servers.insert(record.master);
    const auto replicas = ReplicasOf(group, topology, findings, earlier);
    servers.insert(replicas.begin(), replicas.end());
  }
  std::vector<Endpoint> in_order(servers.begin(), servers.end());
  const auto silent = SilentIn(earlier);
  std::stable_partition(in_order.begin(), in_order.end(),
                        [&silent](const auto& server) { return !silent.contains(server); });
  for (const auto& turn : InTurns(in_order)) {
    if (give_up()) return findings;
    auto infos = network.redis.AskInfos(turn);
    for (std::size_t i = 0; i < turn.size(); ++i) findings.servers.emplace(turn[i], std::move(infos[i]));
  }
  AskMinReplicas(network.redis, &findings);
  return findings;
}

}  // namespace redis_zk::watcher
