#include "watcher/observer.h"

#include <set>
#include <utility>

#include "sentinel/client.h"
#include "store/sentinel_id.h"

namespace redis_zk::watcher {

namespace {

// Each costs a descriptor while it is asked, and a process has a thousand of them.
constexpr std::size_t kMostAtOnce = 128;

}  // namespace

Observer::Observer(const WatcherOptions& options, const redis::Network& network,
                   const Published<Topology>& topology, std::function<void()> observed)
    : options_(options),
      network_(network),
      topology_(topology),
      observed_(std::move(observed)),
      status_(FleetStatus{}) {
  if (options.observe_interval > Duration::zero()) thread_ = std::thread(&Observer::Run, this);
}

Observer::~Observer() {
  if (thread_.joinable()) thread_.join();
}

void Observer::Run() {
  auto topology = topology_.Get();
  while (!topology_.closed()) {
    const TimePoint next = Clock::now() + options_.observe_interval;
    const auto findings = Ask(*topology);
    status_.Set(Summarize(*topology, findings, *status_.Get(), Clock::now()));
    observed_();
    topology = topology_.GetNext(topology, next);
  }
}

Findings Observer::Ask(const Topology& topology) const {
  Findings findings;
  std::vector<std::string> groups;
  for (const auto& [group, record] : topology.groups) groups.push_back(group);
  if (groups.empty()) return findings;
  for (auto& of_one :
       sentinel::AskAboutGroups(network_.sentinels, store::PeersIn(topology.sentinels), groups)) {
    for (std::size_t g = 0; g < groups.size(); ++g)
      findings.reports[groups[g]].push_back(std::move(of_one[g]));
  }
  std::set<Endpoint> servers;
  const auto earlier = status_.Get();
  for (const auto& [group, record] : topology.groups) {
    if (record.state == store::Record::State::kMaster) servers.insert(record.master);
    const auto replicas = ReplicasOf(group, record, findings, *earlier);
    servers.insert(replicas.begin(), replicas.end());
  }
  for (auto next = servers.begin(); next != servers.end() && !topology_.closed();) {
    std::vector<Endpoint> asked;
    while (next != servers.end() && asked.size() < kMostAtOnce) asked.push_back(*next++);
    auto infos = network_.redis.AskInfos(asked);
    for (std::size_t i = 0; i < asked.size(); ++i) findings.servers.emplace(asked[i], std::move(infos[i]));
  }
  return findings;
}

}  // namespace redis_zk::watcher
