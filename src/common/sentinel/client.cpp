#include "sentinel/client.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "base/printable.h"
#include "redis/server_info.h"

namespace redis_zk::sentinel {

namespace {

// SENTINEL MASTER answers with names and values in turn.
std::map<std::string, std::string> ToFields(const redis::Reply& reply) {
  std::map<std::string, std::string> fields;
  for (std::size_t i = 0; i + 1 < reply.items.size(); i += 2)
    fields[reply.items[i].text] = reply.items[i + 1].text;
  return fields;
}

std::uint64_t NumberAt(const std::map<std::string, std::string>& fields, const std::string& key) {
  const auto found = fields.find(key);
  std::uint64_t number = 0;
  if (found != fields.end())
    std::from_chars(found->second.data(), found->second.data() + found->second.size(), number);
  return number;
}

bool HasFlag(const std::string& flags, std::string_view flag) {
  return ("," + flags + ",").find(fmt::format(",{},", flag)) != std::string::npos;
}

Status Request(const Endpoint& sentinel, const redis::Credentials& credentials, const redis::Command& command,
               Duration timeout) {
  const auto answer = redis::Ask(sentinel, credentials, {command}, timeout);
  if (!answer) return tl::unexpected(answer.error());
  if (answer->front().is_error())
    return Fail(ErrorKind::kRefused, sentinel.ToAddress() + ": " + answer->front().text);
  return {};
}

// Replicas and peers are described by the same names.
struct Described {
  std::map<std::string, std::string> fields;
  Endpoint endpoint;
  bool down = false;
};

Result<std::vector<Described>> ParseDescribed(const Endpoint& sentinel, const redis::Reply& reply) {
  if (reply.is_error()) return Fail(ErrorKind::kRefused, sentinel.ToAddress() + ": " + reply.text);
  std::vector<Described> all;
  for (const auto& item : reply.items) {
    auto fields = ToFields(item);
    const auto endpoint = ParseRecord(fields["ip"] + ' ' + fields["port"]);
    if (!endpoint) {
      return Fail(ErrorKind::kProtocol, fmt::format("{} lists \"{} {}\", expected an address and a port",
                                                    sentinel.ToAddress(), fields["ip"], fields["port"]));
    }
    const std::string& flags = fields["flags"];
    const bool down = HasFlag(flags, "s_down") || HasFlag(flags, "o_down") || HasFlag(flags, "disconnected");
    all.push_back({std::move(fields), *endpoint, down});
  }
  return all;
}

Result<std::vector<ReplicaReport>> ParseReplicas(const Endpoint& sentinel, const redis::Reply& reply) {
  auto described = ParseDescribed(sentinel, reply);
  if (!described) return tl::unexpected(described.error());
  std::vector<ReplicaReport> replicas;
  for (auto& [fields, endpoint, down] : *described)
    replicas.push_back({.endpoint = endpoint,
                        .down = down,
                        .master_link_up = fields["master-link-status"] == "ok",
                        .master_link_down_for = Duration(NumberAt(fields, "master-link-down-time")),
                        .promoted = HasFlag(fields["flags"], "promoted"),
                        .priority = static_cast<std::int64_t>(NumberAt(fields, "slave-priority")),
                        .asked = fields["master-host"] != "?"});
  return replicas;
}

Result<KnownInstances> ParseKnownInstances(const Endpoint& sentinel,
                                           const Result<std::vector<redis::Reply>>& answers) {
  if (!answers) return tl::unexpected(answers.error());
  auto replicas = ParseReplicas(sentinel, answers->front());
  if (!replicas) return tl::unexpected(replicas.error());
  auto peers = ParseDescribed(sentinel, answers->back());
  if (!peers) return tl::unexpected(peers.error());
  KnownInstances all{.replicas = std::move(*replicas)};
  for (auto& [fields, endpoint, down] : *peers) all.peers.push_back({fields["runid"], endpoint, down});
  return all;
}

}  // namespace

Result<SentinelReport> ParseSentinelReport(const Endpoint& sentinel,
                                           const std::vector<redis::Reply>& replies) {
  const auto wrong = [&](std::string_view what) {
    return Fail(ErrorKind::kProtocol, fmt::format("{} answered {}", sentinel.ToAddress(), what));
  };
  if (replies.size() != 2) return wrong("only one of two questions");
  const redis::Reply& address = replies[0];
  const redis::Reply& details = replies[1];
  if (address.is_error()) return Fail(ErrorKind::kRefused, sentinel.ToAddress() + ": " + address.text);
  if (address.type == redis::Reply::Type::kNil || details.is_error()) {
    return Fail(ErrorKind::kNotFound, sentinel.ToAddress() + " does not know the group");
  }
  if (address.items.size() != 2) return wrong("without an address");
  const auto master = ParseRecord(address.items[0].text + ' ' + address.items[1].text);
  if (!master) return wrong("with an unreadable address");
  auto fields = ToFields(details);
  if (!fields.contains("config-epoch")) return wrong("without a config epoch");
  const std::string& flags = fields["flags"];
  return SentinelReport{.sentinel = sentinel,
                        .master = *master,
                        .config_epoch = NumberAt(fields, "config-epoch"),
                        .known_replicas = NumberAt(fields, "num-slaves"),
                        .known_sentinels = NumberAt(fields, "num-other-sentinels"),
                        .quorum = NumberAt(fields, "quorum"),
                        .master_down = HasFlag(flags, "s_down") || HasFlag(flags, "o_down"),
                        .failover_in_progress = HasFlag(flags, "failover_in_progress"),
                        .master_connected = !HasFlag(flags, "disconnected"),
                        .down_after = Duration(NumberAt(fields, "down-after-milliseconds")),
                        .failover_timeout = Duration(NumberAt(fields, "failover-timeout")),
                        .parallel_syncs = NumberAt(fields, "parallel-syncs")};
}

namespace {

// What every Sentinel is asked before anything else: who it is, and whether it trusts its clock.
const std::vector<redis::Command> kWho{{"SENTINEL", "MYID"}, {"INFO", "sentinel"}};

std::vector<Endpoint> EndpointsOf(const std::vector<Peer>& sentinels) {
  std::vector<Endpoint> endpoints;
  for (const auto& sentinel : sentinels) endpoints.push_back(sentinel.endpoint);
  return endpoints;
}

// `questions` behind kWho, to all at once. An error for those that are somebody else than they should be.
std::vector<Result<std::vector<redis::Reply>>> AskIdentified(const std::vector<Peer>& sentinels,
                                                             const redis::Credentials& credentials,
                                                             const std::vector<redis::Command>& questions,
                                                             Duration timeout) {
  std::vector<redis::Command> commands = kWho;
  commands.insert(commands.end(), questions.begin(), questions.end());
  auto answers = redis::AskAll(EndpointsOf(sentinels), credentials, commands, timeout);
  for (std::size_t i = 0; i < sentinels.size(); ++i) {
    if (!answers[i]) continue;
    const redis::Reply& id = answers[i]->front();
    // Before Redis 6.2 it is an error.
    if (sentinels[i].id.empty() || id.type != redis::Reply::Type::kText || id.text == sentinels[i].id)
      continue;
    answers[i] = Fail(ErrorKind::kRefused,
                      fmt::format("{} is another Sentinel: found id {}, expected {}",
                                  sentinels[i].endpoint.ToAddress(), Printable(id.text), sentinels[i].id));
  }
  return answers;
}

// `at`: where the answers to SENTINEL MASTER and GET-MASTER-ADDR-BY-NAME begin.
Result<SentinelReport> ReportIn(const Peer& sentinel, const Result<std::vector<redis::Reply>>& answers,
                                std::size_t at) {
  if (!answers) return tl::unexpected(answers.error());
  auto report = ParseSentinelReport(sentinel.endpoint, {(*answers)[at + 1], (*answers)[at]});
  if (!report) return report;
  const redis::Reply& id = answers->front();
  if (id.type == redis::Reply::Type::kText) report->id = id.text;
  report->identified = !sentinel.id.empty() && report->id == sentinel.id;
  report->tilt = redis::NumberIn((*answers)[1].text, "sentinel_tilt") != 0;
  return report;
}

// The three answers from `at` on.
Result<GroupReport> GroupReportIn(const Peer& sentinel, const Result<std::vector<redis::Reply>>& answers,
                                  std::size_t at) {
  auto report = ReportIn(sentinel, answers, at);
  if (!report) return tl::unexpected(report.error());
  auto replicas = ParseReplicas(sentinel.endpoint, (*answers)[at + 2]);
  if (!replicas) return tl::unexpected(replicas.error());
  return GroupReport{std::move(*report), std::move(*replicas)};
}

// In this order: Sentinel may have taken a turn between the two, and then the address is newer than the
// epoch. The other way round an old master would come with the epoch of its successor.
void AddQuestions(const std::string& group, std::vector<redis::Command>& questions) {
  questions.push_back({"SENTINEL", "MASTER", group});
  questions.push_back({"SENTINEL", "GET-MASTER-ADDR-BY-NAME", group});
}

}  // namespace

std::vector<Result<SentinelReport>> AskSentinels(const std::vector<Peer>& sentinels,
                                                 const redis::Credentials& credentials,
                                                 const std::string& group, Duration timeout) {
  std::vector<Result<SentinelReport>> reports;
  for (auto& of_sentinel : AskSentinels(sentinels, credentials, std::vector{group}, timeout))
    reports.push_back(std::move(of_sentinel.front()));
  return reports;
}

std::vector<std::vector<Result<SentinelReport>>> AskSentinels(const std::vector<Peer>& sentinels,
                                                              const redis::Credentials& credentials,
                                                              const std::vector<std::string>& groups,
                                                              Duration timeout) {
  std::vector<redis::Command> questions;
  for (const auto& group : groups) AddQuestions(group, questions);
  const auto answers = AskIdentified(sentinels, credentials, questions, timeout);
  std::vector<std::vector<Result<SentinelReport>>> reports(sentinels.size());
  for (std::size_t s = 0; s < sentinels.size(); ++s) {
    for (std::size_t g = 0; g < groups.size(); ++g)
      reports[s].push_back(ReportIn(sentinels[s], answers[s], kWho.size() + 2 * g));
  }
  return reports;
}

std::vector<std::vector<Result<GroupReport>>> AskAboutGroups(const std::vector<Peer>& sentinels,
                                                             const redis::Credentials& credentials,
                                                             const std::vector<std::string>& groups,
                                                             Duration timeout) {
  std::vector<redis::Command> questions;
  for (const auto& group : groups) {
    AddQuestions(group, questions);
    questions.push_back({"SENTINEL", "SLAVES", group});
  }
  const auto answers = AskIdentified(sentinels, credentials, questions, timeout);
  std::vector<std::vector<Result<GroupReport>>> reports(sentinels.size());
  for (std::size_t s = 0; s < sentinels.size(); ++s) {
    for (std::size_t g = 0; g < groups.size(); ++g)
      reports[s].push_back(GroupReportIn(sentinels[s], answers[s], kWho.size() + 3 * g));
  }
  return reports;
}

std::vector<Result<KnownInstances>> AskKnownInstances(const std::vector<Endpoint>& sentinels,
                                                      const redis::Credentials& credentials,
                                                      const std::string& group, Duration timeout) {
  const auto answers = redis::AskAll(
      sentinels, credentials, {{"SENTINEL", "SLAVES", group}, {"SENTINEL", "SENTINELS", group}}, timeout);
  std::vector<Result<KnownInstances>> all;
  for (std::size_t i = 0; i < sentinels.size(); ++i)
    all.push_back(ParseKnownInstances(sentinels[i], answers[i]));
  return all;
}

Result<KnownInstances> AskKnownInstances(const Endpoint& sentinel, const redis::Credentials& credentials,
                                         const std::string& group, Duration timeout) {
  return AskKnownInstances(std::vector{sentinel}, credentials, group, timeout).front();
}

Status RequestFailover(const Endpoint& sentinel, const redis::Credentials& credentials,
                       const std::string& group, Duration timeout) {
  return Request(sentinel, credentials, {"SENTINEL", "FAILOVER", group}, timeout);
}

Status SetOption(const Endpoint& sentinel, const redis::Credentials& credentials, const std::string& group,
                 const std::string& setting, const std::string& value, Duration timeout) {
  return Request(sentinel, credentials, {"SENTINEL", "SET", group, setting, value}, timeout);
}

Status SetDownAfter(const Endpoint& sentinel, const redis::Credentials& credentials, const std::string& group,
                    Duration down_after, Duration timeout) {
  return SetOption(sentinel, credentials, group, "down-after-milliseconds",
                   std::to_string(down_after.count()), timeout);
}

Status SetFailoverTimeout(const Endpoint& sentinel, const redis::Credentials& credentials,
                          const std::string& group, Duration failover_timeout, Duration timeout) {
  return SetOption(sentinel, credentials, group, "failover-timeout", std::to_string(failover_timeout.count()),
                   timeout);
}

Result<Duration> AskInfoPeriod(const Endpoint& sentinel, const redis::Credentials& credentials,
                               Duration timeout) {
  const auto answers = redis::Ask(sentinel, credentials, {{"SENTINEL", "DEBUG"}}, timeout);
  if (!answers) return tl::unexpected(answers.error());
  if (answers->front().is_error())
    return Fail(ErrorKind::kRefused, sentinel.ToAddress() + ": " + answers->front().text);
  const auto fields = ToFields(answers->front());
  if (!fields.contains("INFO-PERIOD"))
    return Fail(ErrorKind::kRefused, sentinel.ToAddress() + " has no INFO-PERIOD");
  return Duration(NumberAt(fields, "INFO-PERIOD"));
}

Status SetInfoPeriod(const Endpoint& sentinel, const redis::Credentials& credentials, Duration period,
                     Duration timeout) {
  return Request(sentinel, credentials, {"SENTINEL", "DEBUG", "INFO-PERIOD", std::to_string(period.count())},
                 timeout);
}

bool IsFailoverRunning(const Error& error) {
  return error.kind == ErrorKind::kRefused && error.message.find(": INPROG") != std::string::npos;
}

Status RequestReset(const Endpoint& sentinel, const redis::Credentials& credentials, const std::string& group,
                    Duration timeout) {
  return Request(sentinel, credentials, {"SENTINEL", "RESET", group}, timeout);
}

Status StopMonitoring(const Endpoint& sentinel, const redis::Credentials& credentials,
                      const std::string& group, Duration timeout) {
  return Request(sentinel, credentials, {"SENTINEL", "REMOVE", group}, timeout);
}

Status AnnouncePeers(const Endpoint& sentinel, const redis::Credentials& credentials,
                     const std::vector<Peer>& peers, const std::vector<std::string>& groups,
                     Duration timeout) {
  std::vector<redis::Command> hellos;
  for (const auto& peer : peers) {
    for (const auto& group : groups) {
      // The epochs and the master are not ours to tell: older than all, they change nothing.
      hellos.push_back({"PUBLISH", "__sentinel__:hello",
                        fmt::format("{},{},{},0,{},{},{},0", peer.endpoint.host, peer.endpoint.port, peer.id,
                                    group, peer.endpoint.host, peer.endpoint.port)});
    }
  }
  const auto answers = redis::Ask(sentinel, credentials, hellos, timeout);
  if (!answers) return tl::unexpected(answers.error());
  for (const auto& answer : *answers) {
    if (answer.is_error()) return Fail(ErrorKind::kRefused, sentinel.ToAddress() + ": " + answer.text);
  }
  return {};
}

std::optional<MajorityMaster> FindMajority(const std::vector<SentinelReport>& reports, std::size_t asked) {
  std::map<Endpoint, MajorityMaster> votes;
  for (const auto& report : reports) {
    auto& entry = votes.try_emplace(report.master, MajorityMaster{report.master, 0, 0}).first->second;
    entry.config_epoch = std::max(entry.config_epoch, report.config_epoch);
    ++entry.votes;
  }
  for (const auto& [master, entry] : votes) {
    if (entry.votes * 2 > asked) return entry;
  }
  return std::nullopt;
}

}  // namespace redis_zk::sentinel
