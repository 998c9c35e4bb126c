#include "sentinel/reports.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <string_view>
#include <utility>

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

}  // namespace

bool HasChosen(const std::vector<ReplicaReport>& replicas) {
  return std::any_of(replicas.begin(), replicas.end(), [](const auto& replica) { return replica.promoted; });
}

Result<std::vector<ReplicaReport>> ParseReplicas(const Endpoint& sentinel, const redis::Reply& reply) {
  auto described = ParseDescribed(sentinel, reply);
  if (!described) return tl::unexpected(described.error());
  std::vector<ReplicaReport> replicas;
  for (auto& [fields, endpoint, down] : *described)
    replicas.push_back({.endpoint = endpoint,
                        .down = down,
                        .master_link_up = fields["master-link-status"] == "ok",
                        .acts_as_master = fields["role-reported"] == "master",
                        .promoted = HasFlag(fields["flags"], "promoted"),
                        .priority = static_cast<std::int64_t>(NumberAt(fields, "slave-priority"))});
  return replicas;
}

Result<std::vector<PeerReport>> ParsePeers(const Endpoint& sentinel, const redis::Reply& reply) {
  auto described = ParseDescribed(sentinel, reply);
  if (!described) return tl::unexpected(described.error());
  std::vector<PeerReport> peers;
  for (auto& [fields, endpoint, down] : *described) peers.push_back({fields["runid"], endpoint, down});
  return peers;
}

Result<Duration> ParseInfoPeriod(const Endpoint& sentinel, const redis::Reply& reply) {
  const auto fields = ToFields(reply);
  if (!fields.contains("INFO-PERIOD"))
    return Fail(ErrorKind::kRefused, sentinel.ToAddress() + " has no INFO-PERIOD");
  return Duration(NumberAt(fields, "INFO-PERIOD"));
}

Result<Vote> ParseVote(const Endpoint& sentinel, const redis::Reply& reply) {
  if (reply.is_error()) return Fail(ErrorKind::kRefused, sentinel.ToAddress() + ": " + reply.text);
  if (reply.items.size() != 3 || reply.items[2].integer < 0)
    return Fail(ErrorKind::kProtocol, sentinel.ToAddress() + " answered without a vote");
  return Vote{.leader = reply.items[1].text, .epoch = static_cast<std::uint64_t>(reply.items[2].integer)};
}

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

bool IsFailoverRunning(const Error& error) {
  return error.kind == ErrorKind::kRefused && error.message.find(": INPROG") != std::string::npos;
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
