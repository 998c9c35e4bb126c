#include "watcher/doctor/examination.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <set>
#include <utility>

#include "base/file.h"
#include "base/printable.h"
#include "base/unix_time.h"
#include "net/interface.h"
#include "net/lookup.h"
#include "sentinel/client.h"
#include "store/registry.h"
#include "watcher/acl_audit.h"
#include "watcher/questions.h"
#include "watcher/registry_reader.h"

namespace redis_zk::watcher::doctor {

namespace {

using redis::Command;
using redis::Replies;

// The first pays for connecting, too.
constexpr int kPings = 4;
// Of each kind of server; one after the other is measured.
constexpr std::size_t kMostMeasured = 100;
constexpr const char* kOvercommit = "/proc/sys/vm/overcommit_memory";
constexpr const char* kHugePages = "/sys/kernel/mm/transparent_hugepage/enabled";

Result<RegistryView> ReadRegistry(const CommonOptions& common, zookeeper::Session& session,
                                  Clock::duration* took) {
  store::Registry registry(session, common.zk_root);
  RegistryReader reader(common, session, registry);
  const auto read = reader.ReadOnce();
  if (!read && read.error().kind == ErrorKind::kNotFound)
    return Fail(ErrorKind::kNotFound,
                fmt::format("no installation below {} in ZooKeeper {}: {}; check ZK_HOSTS, ZK_ROOT and "
                            "MASTER_NAME, or start a daemon",
                            common.zk_root, Describe(common.zk_hosts), read.error().message));
  if (!read) return tl::unexpected(read.error());
  *took = reader.figures().Get()->request_took.value_or(Clock::duration{});
  return reader.view();
}

void TakeInfo(const Result<Replies>& replies, Answers* answers) {
  if (!replies) {
    answers->error = Printable(replies.error().message);
    if (replies.error().kind == ErrorKind::kRefused)
      answers->error += fmt::format("; {}", redis::HowToBeAccepted(replies.error()));
    return;
  }
  const auto& info = replies->front();
  if (info.is_error()) answers->error = "it refuses INFO: " + Printable(info.text);
  if (!info.is_error()) answers->version = Printable(redis::TextIn(info.text, "redis_version"));
}

// By the middle of the question, as NTP does.
std::optional<Clock::duration> ClockAhead(redis::KeptServer& server) {
  using std::chrono::system_clock;
  const auto asked = system_clock::now();
  const auto time = server.Ask({{"TIME"}});
  const auto answered = system_clock::now();
  if (!time || time->front().items.size() != 2) return std::nullopt;
  const auto& [seconds, microseconds] = std::pair(time->front().items[0].text, time->front().items[1].text);
  const auto number = [](const std::string& text) { return std::strtoll(text.c_str(), nullptr, 10); };
  const system_clock::time_point theirs{std::chrono::seconds(number(seconds)) +
                                        std::chrono::microseconds(number(microseconds))};
  return theirs - (asked + (answered - asked) / 2);
}

void Measure(redis::Servers& servers, bool tells_time, Answers* answers) {
  const auto kept = servers.Keep(answers->endpoint);
  for (int i = 0; i < kPings; ++i) {
    const TimePoint asked = Clock::now();
    if (!kept->Ask({{"PING"}})) return;
    const auto took = Clock::now() - asked;
    if (i > 0) answers->round_trip = std::min(took, answers->round_trip.value_or(took));
  }
  if (tells_time) answers->clock_ahead = ClockAhead(*kept);
}

// The servers that the registry names, each with its group: what only Sentinels list may be gone, or another
// deployment's.
std::map<Endpoint, std::string> RegisteredServers(const Topology& topology) {
  std::map<Endpoint, std::string> servers;
  for (const auto& [group, record] : topology.groups) {
    if (HasMaster(record)) servers.emplace(record.master, group);
  }
  for (const auto& [group, serving] : topology.serving) {
    for (const auto& server : serving) servers.emplace(server, group);
  }
  return servers;
}

std::vector<Redis> ExamineRedis(const Topology& topology, redis::Servers& servers) {
  const std::vector<const char*> settings{kMaxClients,  kMaxMemory,  kMaxMemoryPolicy,
                                          kMinReplicas, kAppendOnly, kSave};
  std::vector<Command> questions{{"INFO"}};
  for (const char* setting : settings) questions.push_back({"CONFIG", "GET", setting});
  const auto groups = RegisteredServers(topology);
  std::vector<Endpoint> endpoints;
  for (const auto& [server, group] : groups) endpoints.push_back(server);
  std::vector<Redis> examined;
  for (const auto& turn : InTurns(endpoints)) {
    const auto replies = servers.AskAll(turn, questions);
    for (std::size_t i = 0; i < turn.size(); ++i) {
      Redis one{{.endpoint = turn[i]}, groups.at(turn[i])};
      TakeInfo(replies[i], &one);
      if (one.error.empty()) one.clients = redis::NumberIn(replies[i]->front().text, "connected_clients");
      for (std::size_t s = 0; replies[i] && s < settings.size(); ++s) {
        const auto& pair = (*replies[i])[s + 1].items;
        if (pair.size() == 2) one.settings[settings[s]] = pair[1].text;
      }
      if (one.error.empty() && examined.size() < kMostMeasured) Measure(servers, /*tells_time=*/true, &one);
      examined.push_back(std::move(one));
    }
  }
  return examined;
}

std::vector<Sentinel> ExamineSentinels(const Topology& topology, redis::Servers& servers) {
  std::vector<Endpoint> endpoints;
  for (const auto& sentinel : topology.sentinels) endpoints.push_back(sentinel.endpoint);
  std::vector<Sentinel> examined;
  for (const auto& turn : InTurns(endpoints)) {
    const auto replies = servers.AskAll(turn, {{"INFO"}});
    for (std::size_t i = 0; i < turn.size(); ++i) {
      Sentinel one{{.endpoint = turn[i]}};
      TakeInfo(replies[i], &one);
      if (one.error.empty() && examined.size() < kMostMeasured) Measure(servers, /*tells_time=*/false, &one);
      examined.push_back(std::move(one));
    }
  }
  // A silent one would take its time for each group.
  std::vector<Sentinel*> answering;
  for (auto& sentinel : examined) {
    if (sentinel.error.empty()) answering.push_back(&sentinel);
  }
  for (std::size_t first = 0; first < answering.size(); first += kMostAtOnce) {
    const std::size_t end = std::min(answering.size(), first + kMostAtOnce);
    std::vector<Endpoint> asked;
    for (std::size_t i = first; i < end; ++i) asked.push_back(answering[i]->endpoint);
    for (const auto& [group, record] : topology.groups) {
      auto known = sentinel::AskKnownInstances(servers, asked, group);
      for (std::size_t i = 0; i < known.size(); ++i) {
        if (known[i]) answering[first + i]->known.emplace(group, std::move(*known[i]));
      }
    }
  }
  return examined;
}

std::vector<Name> ResolveNames(const Checkup& checkup) {
  std::set<std::string> hosts;
  for (const auto& redis : checkup.redis) hosts.insert(redis.endpoint.host);
  for (const auto& sentinel : checkup.sentinels) hosts.insert(sentinel.endpoint.host);
  std::vector<Name> names;
  for (const auto& host : hosts) {
    if (IsIpAddress(host)) continue;
    const TimePoint asked = Clock::now();
    auto addresses = LookUp(host);
    names.push_back({host, std::move(addresses), Clock::now() - asked});
  }
  return names;
}

Machine ExamineMachine(const Checkup& checkup) {
  Machine machine;
  std::set<std::string> own;
  if (const auto addresses = ListInterfaceAddresses()) {
    for (const auto& address : *addresses) own.insert(address.ip);
  }
  std::map<std::string, std::vector<std::string>> addresses_of;
  for (const auto& name : checkup.names) {
    if (name.addresses) addresses_of[name.name] = *name.addresses;
  }
  for (const auto& redis : checkup.redis) {
    auto addresses = addresses_of[redis.endpoint.host];
    addresses.push_back(redis.endpoint.host);
    if (std::any_of(addresses.begin(), addresses.end(), [&own](const auto& ip) { return own.contains(ip); }))
      machine.servers.push_back(redis.endpoint);
  }
  machine.overcommit = ReadFirstLine(kOvercommit).value_or("");
  // "always [madvise] never"
  const std::string huge = ReadFirstLine(kHugePages).value_or("");
  const auto begin = huge.find('[');
  const auto end = huge.find(']');
  if (begin != std::string::npos && end != std::string::npos && begin < end)
    machine.huge_pages = huge.substr(begin + 1, end - begin - 1);
  return machine;
}

}  // namespace

Result<Checkup> Examine(const CommonOptions& common, zookeeper::Session& session,
                        const redis::Network& network) {
  Checkup checkup{.unix_now = UnixTime(),
                  .zookeepers = common.zk_hosts.servers.size(),
                  .credentials = !common.zk_security.credentials.empty()};
  const auto view = ReadRegistry(common, session, &checkup.zookeeper_took);
  if (!view) return tl::unexpected(view.error());
  checkup.topology = TopologyOf(*view, common.master_name);
  checkup.topology.zookeeper_connected = true;
  if (checkup.credentials) {
    auto open = FindOpenZnodes(common, session);
    if (!open) return tl::unexpected(open.error());
    checkup.topology.open_znodes = std::move(*open);
  }
  const auto findings = AskFleet(network, checkup.topology, {}, [] { return false; });
  checkup.status = Summarize(checkup.topology, findings, {}, Clock::now());
  checkup.redis = ExamineRedis(checkup.topology, network.redis);
  checkup.sentinels = ExamineSentinels(checkup.topology, network.sentinels);
  checkup.names = ResolveNames(checkup);
  checkup.machine = ExamineMachine(checkup);
  return checkup;
}

}  // namespace redis_zk::watcher::doctor
