// How the fake servers copy from each other, and what their Sentinels are told of a group: fake_fleet.h.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>
#include <utility>

#include "support/fake_fleet.h"
#include "support/replies.h"

namespace redis_zk::testing {

using redis::Reply;

void FakeFleet::Promote(const Endpoint& replica) {
  Redis& promoted = redis_.at(replica);
  promoted.role = redis::Role::kMaster;
  promoted.previous_replication_id = promoted.replication_id;
  promoted.previous_until = promoted.offset + 1;
  promoted.replication_id = fmt::format("{:040x}", 3000 + ++named_);
}

redis::Reply FakeFleet::Hear(Sentinel& sentinel, const std::string& hello) {
  std::istringstream text(hello);
  std::array<std::string, 8> words;
  for (auto& word : words) std::getline(text, word, ',');
  const auto& [host, port, id, fleet_epoch, name, master_host, master_port, epoch_text] = words;
  const Reply heard{.type = Reply::Type::kInteger, .integer = 1};
  const auto found = sentinel.groups.find(name);
  if (found == sentinel.groups.end()) return heard;
  Monitored& group = found->second;
  const Endpoint peer{host, static_cast<std::uint16_t>(std::stoi(port))};
  if (std::find(group.peers.begin(), group.peers.end(), peer) == group.peers.end())
    group.peers.push_back(peer);
  const std::uint64_t epoch = std::stoull(epoch_text);
  if (epoch <= group.config_epoch) return heard;
  group.config_epoch = epoch;
  const Endpoint master{master_host, static_cast<std::uint16_t>(std::stoi(master_port))};
  if (master == group.master || !IsIpAddress(master.host)) return heard;
  group.replicas.erase(master);
  group.replicas[group.master].down = redis_.at(group.master).state != State::kAnswers;
  group.master = master;
  group.master_down = false;
  group.failing_over = false;
  return heard;
}

// Of a master that is only silent, a replica keeps its link for a minute.
bool FakeFleet::LinkIsUp(const Redis& replica) const {
  const auto master = redis_.find(replica.master);
  return replica.link_up && master != redis_.end() && master->second.state != State::kGone;
}

void FakeFleet::Attach(Redis& replica, const Endpoint& master) {
  replica.role = redis::Role::kReplica;
  replica.master = master;
  const auto found = redis_.find(master);
  // No server here has a password, and one without refuses every AUTH.
  replica.link_up = found != redis_.end() && found->second.state == State::kAnswers &&
                    replica.config.at("masterauth").empty();
  if (!replica.link_up) return;
  replica.replication_id = found->second.replication_id;
  replica.previous_replication_id.clear();
  replica.previous_until = -1;
  replica.offset = found->second.offset;
  replica.keys = found->second.keys;
}

Reply FakeFleet::Write(const Endpoint& server, Redis& redis) {
  if (redis.role == redis::Role::kReplica)
    return Wrong("READONLY You can't write against a read only replica.");
  std::vector<Redis*> copies;
  for (auto& [endpoint, other] : redis_) {
    if (other.role == redis::Role::kReplica && other.master == server && other.state == State::kAnswers &&
        LinkIsUp(other) && !other.synchronising)
      copies.push_back(&other);
  }
  if (copies.size() < std::stoull(redis.config.at("min-replicas-to-write")))
    return Wrong("NOREPLICAS Not enough good replicas to write.");
  constexpr std::int64_t kLength = 30;
  redis.offset += kLength;
  for (Redis* copy : copies) copy->offset = redis.offset;
  return Ok();
}

Reply FakeFleet::Set(Monitored& group, const redis::Command& command) {
  static constexpr std::array kTaken{"auth-pass", "auth-user", "rename-command",
                                     "master-reboot-down-after-period"};
  std::string option = command.at(3);
  std::transform(option.begin(), option.end(), option.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (std::find(kTaken.begin(), kTaken.end(), option) != kTaken.end()) return Ok();
  const std::string& value = command.at(4);
  std::int64_t number = 0;
  std::from_chars(value.data(), value.data() + value.size(), number);
  if (number <= 0) return Wrong(fmt::format("ERR Invalid argument '{}' for SENTINEL SET", value));
  if (option == "down-after-milliseconds") {
    group.down_after = Duration(number);
  } else if (option == "failover-timeout") {
    group.failover_timeout = Duration(number);
  } else if (option == "quorum") {
    group.quorum = static_cast<std::uint64_t>(number);
  } else if (option == "parallel-syncs") {
    group.parallel_syncs = static_cast<std::uint64_t>(number);
  } else {
    return Wrong(fmt::format("ERR Unknown option or number of arguments for SENTINEL SET '{}'", option));
  }
  return Ok();
}

}  // namespace redis_zk::testing
