#include "watcher/questions.h"

#include <cstdlib>
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
  std::vector<std::string> groups;
  for (const auto& [group, record] : topology.groups) groups.push_back(group);
  if (groups.empty()) return findings;
  for (auto& of_one :
       sentinel::AskAboutGroups(network.sentinels, store::PeersIn(topology.sentinels), groups)) {
    for (std::size_t g = 0; g < groups.size(); ++g)
      findings.reports[groups[g]].push_back(std::move(of_one[g]));
  }
  std::set<Endpoint> servers;
  for (const auto& [group, record] : topology.groups) {
    if (HasMaster(record)) servers.insert(record.master);
    const auto replicas = ReplicasOf(group, topology, findings, earlier);
    servers.insert(replicas.begin(), replicas.end());
  }
  for (const auto& turn : InTurns({servers.begin(), servers.end()})) {
    if (give_up()) return findings;
    auto infos = network.redis.AskInfos(turn);
    for (std::size_t i = 0; i < turn.size(); ++i) findings.servers.emplace(turn[i], std::move(infos[i]));
  }
  AskMinReplicas(network.redis, &findings);
  return findings;
}

}  // namespace redis_zk::watcher
