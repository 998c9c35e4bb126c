#include "redis/sentinel_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

namespace redis_zk::redis {

namespace {

// SENTINEL MASTER answers with names and values in turn.
std::map<std::string, std::string> ToFields(const Reply& reply) {
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

Status Request(const Endpoint& sentinel, const Credentials& credentials, const Command& command,
               Duration timeout) {
  const auto answer = Ask(sentinel, credentials, {command}, timeout);
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

Result<std::vector<Described>> ParseDescribed(const Endpoint& sentinel, const Reply& reply) {
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

Result<std::vector<ReplicaReport>> ParseReplicas(const Endpoint& sentinel, const Reply& reply) {
  auto described = ParseDescribed(sentinel, reply);
  if (!described) return tl::unexpected(described.error());
  std::vector<ReplicaReport> replicas;
  for (auto& [fields, endpoint, down] : *described)
    replicas.push_back({.endpoint = endpoint,
                        .down = down,
                        .master_link_up = fields["master-link-status"] == "ok",
                        .master_link_down_for = Duration(NumberAt(fields, "master-link-down-time")),
                        .promoted = HasFlag(fields["flags"], "promoted"),
                        .priority = static_cast<std::int64_t>(NumberAt(fields, "slave-priority"))});
  return replicas;
}

Result<Acquaintances> ParseAcquaintances(const Endpoint& sentinel,
                                         const Result<std::vector<Reply>>& answers) {
  if (!answers) return tl::unexpected(answers.error());
  auto replicas = ParseReplicas(sentinel, answers->front());
  if (!replicas) return tl::unexpected(replicas.error());
  auto peers = ParseDescribed(sentinel, answers->back());
  if (!peers) return tl::unexpected(peers.error());
  Acquaintances all{.replicas = std::move(*replicas)};
  for (auto& [fields, endpoint, down] : *peers) all.peers.push_back({fields["runid"], endpoint, down});
  return all;
}

}  // namespace

Result<SentinelReport> ParseSentinelReport(const Endpoint& sentinel, const std::vector<Reply>& replies) {
  const auto wrong = [&](std::string_view what) {
    return Fail(ErrorKind::kProtocol, fmt::format("{} answers {}", sentinel.ToAddress(), what));
  };
  if (replies.size() != 2) return wrong("not both questions");
  const Reply& address = replies[0];
  const Reply& details = replies[1];
  if (address.is_error()) return Fail(ErrorKind::kRefused, sentinel.ToAddress() + ": " + address.text);
  if (address.type == Reply::Type::kNil || details.is_error()) {
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
                        .failover_timeout = Duration(NumberAt(fields, "failover-timeout"))};
}

namespace {

// The three answers from `first` on.
Result<GroupReport> ParseGroupReport(const Endpoint& sentinel, const Result<std::vector<Reply>>& answers,
                                     std::size_t first) {
  if (!answers) return tl::unexpected(answers.error());
  auto report = ParseSentinelReport(sentinel, {(*answers)[first + 1], (*answers)[first]});
  if (!report) return tl::unexpected(report.error());
  auto replicas = ParseReplicas(sentinel, (*answers)[first + 2]);
  if (!replicas) return tl::unexpected(replicas.error());
  return GroupReport{std::move(*report), std::move(*replicas)};
}

}  // namespace

std::vector<Result<SentinelReport>> AskSentinels(const std::vector<Endpoint>& sentinels,
                                                 const Credentials& credentials, const std::string& group,
                                                 Duration timeout) {
  std::vector<Result<SentinelReport>> reports;
  for (auto& of_sentinel : AskSentinels(sentinels, credentials, std::vector{group}, timeout))
    reports.push_back(std::move(of_sentinel.front()));
  return reports;
}

std::vector<std::vector<Result<SentinelReport>>> AskSentinels(const std::vector<Endpoint>& sentinels,
                                                              const Credentials& credentials,
                                                              const std::vector<std::string>& groups,
                                                              Duration timeout) {
  std::vector<Command> questions;
  for (const auto& group : groups) {
    // In this order: Sentinel may have taken a turn between the two, and then the address is newer than the
    // epoch. The other way round an old master would come with the epoch of its successor.
    questions.push_back({"SENTINEL", "MASTER", group});
    questions.push_back({"SENTINEL", "GET-MASTER-ADDR-BY-NAME", group});
  }
  const auto answers = AskAll(sentinels, credentials, questions, timeout);
  std::vector<std::vector<Result<SentinelReport>>> reports(sentinels.size());
  for (std::size_t s = 0; s < sentinels.size(); ++s) {
    for (std::size_t g = 0; g < groups.size(); ++g) {
      reports[s].push_back(
          answers[s] ? ParseSentinelReport(sentinels[s], {(*answers[s])[2 * g + 1], (*answers[s])[2 * g]})
                     : tl::unexpected(answers[s].error()));
    }
  }
  return reports;
}

std::vector<Result<Acquaintances>> AskAcquaintances(const std::vector<Endpoint>& sentinels,
                                                    const Credentials& credentials, const std::string& group,
                                                    Duration timeout) {
  const auto answers = AskAll(sentinels, credentials,
                              {{"SENTINEL", "SLAVES", group}, {"SENTINEL", "SENTINELS", group}}, timeout);
  std::vector<Result<Acquaintances>> all;
  for (std::size_t i = 0; i < sentinels.size(); ++i)
    all.push_back(ParseAcquaintances(sentinels[i], answers[i]));
  return all;
}

Result<Acquaintances> AskAcquaintances(const Endpoint& sentinel, const Credentials& credentials,
                                       const std::string& group, Duration timeout) {
  return AskAcquaintances(std::vector{sentinel}, credentials, group, timeout).front();
}

std::vector<std::vector<Result<GroupReport>>> AskAboutGroups(const std::vector<Endpoint>& sentinels,
                                                             const Credentials& credentials,
                                                             const std::vector<std::string>& groups,
                                                             Duration timeout) {
  std::vector<Command> commands;
  for (const auto& group : groups) {
    // Epoch before address, as above.
    commands.push_back({"SENTINEL", "MASTER", group});
    commands.push_back({"SENTINEL", "GET-MASTER-ADDR-BY-NAME", group});
    commands.push_back({"SENTINEL", "SLAVES", group});
  }
  auto answers = AskAll(sentinels, credentials, commands, timeout);
  std::vector<std::vector<Result<GroupReport>>> all(sentinels.size());
  for (std::size_t i = 0; i < sentinels.size(); ++i) {
    for (std::size_t g = 0; g < groups.size(); ++g)
      all[i].push_back(ParseGroupReport(sentinels[i], answers[i], 3 * g));
  }
  return all;
}

Status RequestFailover(const Endpoint& sentinel, const Credentials& credentials, const std::string& group,
                       Duration timeout) {
  return Request(sentinel, credentials, {"SENTINEL", "FAILOVER", group}, timeout);
}

Status SetDownAfter(const Endpoint& sentinel, const Credentials& credentials, const std::string& group,
                    Duration down_after, Duration timeout) {
  return Request(sentinel, credentials,
                 {"SENTINEL", "SET", group, "down-after-milliseconds", std::to_string(down_after.count())},
                 timeout);
}

Status SetFailoverTimeout(const Endpoint& sentinel, const Credentials& credentials, const std::string& group,
                          Duration failover_timeout, Duration timeout) {
  return Request(sentinel, credentials,
                 {"SENTINEL", "SET", group, "failover-timeout", std::to_string(failover_timeout.count())},
                 timeout);
}

std::optional<Duration> AskInfoPeriod(const Endpoint& sentinel, const Credentials& credentials,
                                      Duration timeout) {
  const auto answers = Ask(sentinel, credentials, {{"SENTINEL", "DEBUG"}}, timeout);
  if (!answers || answers->front().is_error()) return std::nullopt;
  const auto fields = ToFields(answers->front());
  if (!fields.contains("INFO-PERIOD")) return std::nullopt;
  return Duration(NumberAt(fields, "INFO-PERIOD"));
}

Status SetInfoPeriod(const Endpoint& sentinel, const Credentials& credentials, Duration period,
                     Duration timeout) {
  return Request(sentinel, credentials, {"SENTINEL", "DEBUG", "INFO-PERIOD", std::to_string(period.count())},
                 timeout);
}

bool IsFailoverRunning(const Error& error) {
  return error.kind == ErrorKind::kRefused && error.message.find(": INPROG") != std::string::npos;
}

Status RequestReset(const Endpoint& sentinel, const Credentials& credentials, const std::string& group,
                    Duration timeout) {
  return Request(sentinel, credentials, {"SENTINEL", "RESET", group}, timeout);
}

Status StopMonitoring(const Endpoint& sentinel, const Credentials& credentials, const std::string& group,
                      Duration timeout) {
  return Request(sentinel, credentials, {"SENTINEL", "REMOVE", group}, timeout);
}

Status Introduce(const Endpoint& sentinel, const Credentials& credentials, const std::vector<Peer>& peers,
                 const std::vector<std::string>& groups, Duration timeout) {
  std::vector<Command> hellos;
  for (const auto& peer : peers) {
    for (const auto& group : groups) {
      // The epochs and the master are not ours to tell: older than all, they change nothing.
      hellos.push_back({"PUBLISH", "__sentinel__:hello",
                        fmt::format("{},{},{},0,{},{},{},0", peer.endpoint.host, peer.endpoint.port, peer.id,
                                    group, peer.endpoint.host, peer.endpoint.port)});
    }
  }
  const auto answers = Ask(sentinel, credentials, hellos, timeout);
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

}  // namespace redis_zk::redis
