#include "watcher/observer.h"

#include <set>
#include <utility>

#include "base/log.h"
#include "sentinel/links.h"
#include "watcher/questions.h"
#include "watcher/strange_sentinels.h"

namespace redis_zk::watcher {

namespace {

// A server with thousands of subscribers lists all of them.
constexpr Duration kLinksEvery = 10s;

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
    auto status = Summarize(*topology, findings, *status_.Get(), Clock::now());
    LogStrangers(status);
    status_.Set(std::move(status));
    observed_();
    topology = topology_.GetNext(topology, next);
  }
}

Findings Observer::Ask(const Topology& topology) {
  auto findings = AskFleet(network_, topology, *status_.Get(), [this] { return topology_.closed(); });
  std::vector<Endpoint> servers;
  for (const auto& [server, info] : findings.servers) {
    LogRefusal(server, info);
    // One that is silent would only hold up its turn once more.
    if (info || info.error().kind == ErrorKind::kRefused) servers.push_back(server);
  }
  if (Clock::now() < links_at_) return findings;
  for (const auto& turn : InTurns(servers)) {
    if (topology_.closed()) break;
    AskLinks(topology, turn, &findings);
  }
  links_at_ = Clock::now() + kLinksEvery;
  return findings;
}

void Observer::LogRefusal(const Endpoint& server, const Result<redis::ServerInfo>& info) {
  if (info || info.error().kind != ErrorKind::kRefused) {
    refusing_.erase(server);
  } else if (refusing_.insert(server).second) {
    log::Warn({.event = "server-refuses-watcher", .peer = server.ToAddress()},
              "cannot ask redis-server how it is, retrying: {}; {}", info.error().message,
              redis::HowToBeAccepted(info.error()));
  }
}

void Observer::AskLinks(const Topology& topology, const std::vector<Endpoint>& asked, Findings* findings) {
  const auto known = IdsOf(topology, *findings);
  auto links = sentinel::AskLinks(network_.redis, asked, {known.begin(), known.end()});
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (links[i]) {
      refusing_links_.erase(asked[i]);
      findings->links.emplace(asked[i], std::move(*links[i]));
    } else if (links[i].error().kind == ErrorKind::kRefused && findings->servers.at(asked[i]) &&
               refusing_links_.insert(asked[i]).second) {
      log::Warn(
          {.event = "foreign-sentinels-unknown", .peer = asked[i].ToAddress()},
          "cannot look for foreign Sentinels, retrying: redis-server refuses CLIENT LIST: {}; allow it to "
          "the user of the watcher",
          links[i].error().message);
    }
  }
}

void Observer::LogStrangers(const FleetStatus& status) {
  std::set<std::string> told;
  for (const auto& [group, of_group] : status.groups) {
    for (const auto& strange : of_group.strange_sentinels) {
      if (Clock::now() - strange.since < kStaysStrange) continue;
      const std::string line = Describe(strange);
      told.insert(group + line);
      if (!told_.contains(group + line))
        log::Error({.event = "foreign-sentinel", .group = group, .peer = strange.server.ToAddress()},
                   "{}; find out whose it is: stop it, or make it forget this group with SENTINEL REMOVE",
                   line);
    }
  }
  told_ = std::move(told);
}

}  // namespace redis_zk::watcher
