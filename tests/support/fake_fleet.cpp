#include "support/fake_fleet.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace redis_zk::testing {

namespace {

using redis::Command;
using redis::Reply;

Reply Text(std::string text) { return {.type = Reply::Type::kText, .text = std::move(text)}; }
Reply Wrong(std::string text) { return {.type = Reply::Type::kError, .text = std::move(text)}; }
Reply Number(std::int64_t number) { return {.type = Reply::Type::kInteger, .integer = number}; }
Reply Array(std::vector<Reply> items) { return {.type = Reply::Type::kArray, .items = std::move(items)}; }
Reply Ok() { return Text("OK"); }

Reply Fields(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::vector<Reply> items;
  for (const auto& [name, value] : fields) {
    items.push_back(Text(name));
    items.push_back(Text(value));
  }
  return Array(std::move(items));
}

bool Is(const Command& command, const std::vector<std::string>& words) {
  return command.size() >= words.size() &&
         std::equal(words.begin(), words.end(), command.begin(), [](const auto& word, const auto& found) {
           return std::equal(word.begin(), word.end(), found.begin(), found.end(),
                             [](char a, char b) { return a == std::toupper(static_cast<unsigned char>(b)); });
         });
}

Endpoint ToEndpoint(const std::string& host, const std::string& port) {
  return {host, static_cast<std::uint16_t>(std::stoi(port))};
}

}  // namespace

class FakeFleet::Kept final : public redis::KeptServer {
 public:
  Kept(FakeFleet& fleet, const Endpoint& server) : KeptServer(server), fleet_(fleet) {}
  Result<redis::Replies> Ask(const std::vector<Command>& commands) override {
    return fleet_.asker_.AskAll({server()}, commands).front();
  }

 private:
  FakeFleet& fleet_;
};

FakeFleet::Redis& FakeFleet::AddMaster(const Endpoint& server) {
  ++named_;
  redis_[server] = {.run_id = fmt::format("{:040x}", named_),
                    .replication_id = fmt::format("{:040x}", 1000 + named_)};
  return redis_[server];
}

FakeFleet::Redis& FakeFleet::AddReplica(const Endpoint& server, const Endpoint& master) {
  Redis replica = redis_.at(master);
  replica.run_id = fmt::format("{:040x}", ++named_);
  replica.role = redis::Role::kReplica;
  replica.master = master;
  redis_[server] = std::move(replica);
  for (auto& [endpoint, sentinel] : sentinels_) {
    for (auto& [name, group] : sentinel.groups) {
      if (group.master == master) group.replicas[server];
    }
  }
  return redis_[server];
}

FakeFleet::Sentinel& FakeFleet::AddSentinel(const Endpoint& endpoint, const std::string& group,
                                            const Endpoint& master) {
  Sentinel& sentinel = sentinels_[endpoint];
  if (sentinel.id.empty()) sentinel.id = fmt::format("{:040x}", 2000 + ++named_);
  Monitored& monitored = sentinel.groups[group];
  monitored.master = master;
  for (const auto& [server, redis] : redis_) {
    if (redis.role == redis::Role::kReplica && redis.master == master) monitored.replicas[server];
  }
  for (auto& [other, known] : sentinels_) {
    if (other == endpoint || !known.groups.contains(group)) continue;
    monitored.peers.push_back(other);
    known.groups.at(group).peers.push_back(endpoint);
  }
  return sentinel;
}

std::vector<Result<redis::Replies>> FakeFleet::Asker::AskAll(const std::vector<Endpoint>& servers,
                                                             const std::vector<Command>& commands) {
  const std::lock_guard lock(fleet_.mutex_);
  std::vector<Result<redis::Replies>> answers;
  bool waited = false;
  for (const auto& server : servers) {
    answers.push_back(fleet_.Answer(server, commands));
    waited = waited || (!answers.back() && answers.back().error().kind == ErrorKind::kTimeout);
  }
  // All were asked at once.
  if (waited) fleet_.time_.Advance(redis::kAnswerTimeout);
  return answers;
}

std::unique_ptr<redis::KeptServer> FakeFleet::Asker::Keep(const Endpoint& server) {
  return std::make_unique<Kept>(fleet_, server);
}

Result<redis::Replies> FakeFleet::Answer(const Endpoint& server, const std::vector<Command>& commands) {
  const auto redis = redis_.find(server);
  const auto sentinel = sentinels_.find(server);
  const State state = redis != redis_.end()          ? redis->second.state
                      : sentinel != sentinels_.end() ? sentinel->second.state
                                                     : State::kGone;
  if (state == State::kGone)
    return Fail(ErrorKind::kUnavailable, server.ToAddress() + ": Connection refused");
  if (state == State::kSilent)
    return Fail(ErrorKind::kTimeout,
                fmt::format("{}: no answer within {} ms", server.ToAddress(), redis::kAnswerTimeout.count()));
  redis::Replies replies;
  for (const auto& command : commands) {
    replies.push_back(redis != redis_.end() ? AnswerRedis(server, redis->second, command)
                                            : AnswerSentinel(server, sentinel->second, command));
    const bool question = Is(command, {"PING"}) || Is(command, {"INFO"}) || Is(command, {"CONFIG", "GET"}) ||
                          Is(command, {"SENTINEL", "MYID"}) || Is(command, {"SENTINEL", "MASTER"}) ||
                          Is(command, {"SENTINEL", "GET-MASTER-ADDR-BY-NAME"}) ||
                          Is(command, {"SENTINEL", "SLAVES"}) || Is(command, {"SENTINEL", "SENTINELS"}) ||
                          (Is(command, {"SENTINEL", "DEBUG"}) && command.size() == 2);
    if (!question && !replies.back().is_error())
      orders.push_back(fmt::format("{} {}", server.ToAddress(), fmt::join(command, " ")));
  }
  return replies;
}

redis::Reply FakeFleet::AnswerRedis(const Endpoint& server, Redis& redis, const Command& command) {
  if (!redis.refusal.empty()) return Wrong(redis.refusal);
  for (const auto& words : redis.forbidden) {
    if (Is(command, words)) return Wrong("NOPERM this user has no permissions to run this command");
  }
  if (Is(command, {"PING"})) return Text("PONG");
  if (Is(command, {"INFO"})) return Text(Info(server, redis));
  if (Is(command, {"CONFIG", "GET"})) {
    const auto found = redis.config.find(command.at(2));
    return found == redis.config.end() ? Array({}) : Fields({*found});
  }
  if (Is(command, {"CONFIG", "SET"})) {
    for (std::size_t i = 2; i + 1 < command.size(); i += 2) redis.config[command[i]] = command[i + 1];
    return Ok();
  }
  if (Is(command, {"CLIENT", "PAUSE"})) {
    redis.paused_until = time_.Now() + Duration(std::stoll(command.at(2)));
    return Ok();
  }
  if (Is(command, {"CLIENT", "UNPAUSE"})) {
    redis.paused_until = {};
    return Ok();
  }
  if (Is(command, {"CLIENT", "KILL"})) {
    ++redis.disconnected;
    return Number(1);
  }
  if (Is(command, {"REPLICAOF", "NO", "ONE"})) {
    if (redis.role == redis::Role::kReplica) Promote(server);
    return Ok();
  }
  if (Is(command, {"REPLICAOF"})) {
    redis.role = redis::Role::kReplica;
    redis.master = ToEndpoint(command.at(1), command.at(2));
    redis.link_up = redis_.contains(redis.master) && redis_.at(redis.master).state == State::kAnswers;
    return Ok();
  }
  if (Is(command, {"BGREWRITEAOF"}) || Is(command, {"BGSAVE"})) return Text("Background saving started");
  return Wrong(fmt::format("ERR unknown command '{}'", command.front()));
}

void FakeFleet::Promote(const Endpoint& replica) {
  Redis& promoted = redis_.at(replica);
  promoted.role = redis::Role::kMaster;
  promoted.previous_replication_id = promoted.replication_id;
  promoted.previous_until = promoted.offset + 1;
  promoted.replication_id = fmt::format("{:040x}", 3000 + ++named_);
}

std::string FakeFleet::Info(const Endpoint& server, const Redis& redis) const {
  const bool is_master = redis.role == redis::Role::kMaster;
  std::string text = fmt::format(
      "# Server\r\nrun_id:{}\r\nprocess_id:{}\r\n# Persistence\r\nloading:{}\r\naof_enabled:{}\r\n"
      "rdb_changes_since_last_save:{}\r\n# Replication\r\nrole:{}\r\n"
      "master_replid:{}\r\nmaster_replid2:{}\r\nmaster_repl_offset:{}\r\nsecond_repl_offset:{}\r\n",
      redis.run_id, redis.process_id, redis.loading ? 1 : 0, redis.config.at("appendonly") == "yes" ? 1 : 0,
      redis.unsaved_changes, is_master ? "master" : "slave", redis.replication_id,
      redis.previous_replication_id.empty() ? std::string(40, '0') : redis.previous_replication_id,
      redis.offset, redis.previous_until);
  if (is_master) {
    int number = 0;
    int online = 0;
    std::string replicas;
    for (const auto& [endpoint, other] : redis_) {
      if (other.role != redis::Role::kReplica || other.master != server || other.state == State::kGone)
        continue;
      if (!other.link_up && !other.synchronising) continue;
      online += other.synchronising ? 0 : 1;
      replicas += fmt::format("slave{}:ip={},port={},state={},offset={},lag=0\r\n", number++, endpoint.host,
                              endpoint.port, other.synchronising ? "wait_bgsave" : "online", other.offset);
    }
    text += fmt::format("connected_slaves:{}\r\n{}", number, replicas);
    if (redis.config.at("min-replicas-to-write") != "0")
      text += fmt::format("min_slaves_good_slaves:{}\r\n", online);
  } else {
    text += fmt::format(
        "master_host:{}\r\nmaster_port:{}\r\nmaster_link_status:{}\r\nmaster_sync_in_progress:{}\r\n"
        "slave_repl_offset:{}\r\nslave_priority:{}\r\n{}",
        redis.master.host, redis.master.port, redis.link_up ? "up" : "down", redis.synchronising ? 1 : 0,
        redis.offset, redis.config.at("replica-priority"),
        redis.link_up ? "" : "master_link_down_since_seconds:1\r\n");
  }
  return text + fmt::format("# Keyspace\r\ndb0:keys={},expires=0,avg_ttl=0\r\n", redis.keys);
}

redis::Reply FakeFleet::AnswerSentinel(const Endpoint& server, Sentinel& sentinel, const Command& command) {
  if (Is(command, {"PING"})) return Text("PONG");
  if (Is(command, {"INFO"})) return Text(fmt::format("sentinel_tilt:{}\r\n", sentinel.tilt ? 1 : 0));
  if (Is(command, {"SENTINEL", "MYID"})) return Text(sentinel.id);
  if (Is(command, {"SENTINEL", "DEBUG", "INFO-PERIOD"})) {
    sentinel.info_period = Duration(std::stoll(command.at(3)));
    return Ok();
  }
  if (Is(command, {"SENTINEL", "DEBUG"}))
    return Fields({{"INFO-PERIOD", std::to_string(sentinel.info_period.count())}});
  if (Is(command, {"SENTINEL", "MONITOR"})) {
    sentinel.groups[command.at(2)] = {.master = ToEndpoint(command.at(3), command.at(4)),
                                      .quorum = std::stoull(command.at(5))};
    return Ok();
  }
  if (Is(command, {"PUBLISH"})) return Number(1);
  if (Is(command, {"SENTINEL"}) && command.size() > 2) return AnswerOfGroup(server, sentinel, command);
  return Wrong(fmt::format("ERR unknown command '{}'", command.front()));
}

redis::Reply FakeFleet::AnswerOfGroup(const Endpoint& server, Sentinel& sentinel, const Command& command) {
  const auto found = sentinel.groups.find(command[2]);
  if (Is(command, {"SENTINEL", "RESET"})) {
    if (found == sentinel.groups.end()) return Number(0);
    found->second.replicas.clear();
    found->second.peers.clear();
    found->second.failing_over = false;
    return Number(1);
  }
  if (found == sentinel.groups.end())
    return Is(command, {"SENTINEL", "GET-MASTER-ADDR-BY-NAME"}) ? Reply{}
                                                                : Wrong("ERR No such master with that name");
  Monitored& group = found->second;
  if (Is(command, {"SENTINEL", "GET-MASTER-ADDR-BY-NAME"})) {
    for (const auto& [replica, known] : group.replicas) {
      if (known.promoted) return Array({Text(replica.host), Text(std::to_string(replica.port))});
    }
    return Array({Text(group.master.host), Text(std::to_string(group.master.port))});
  }
  if (Is(command, {"SENTINEL", "MASTER"})) {
    return Fields({{"name", command[2]},
                   {"ip", group.master.host},
                   {"port", std::to_string(group.master.port)},
                   {"flags", fmt::format("master{}{}", group.master_down ? ",s_down,o_down" : "",
                                         group.failing_over ? ",failover_in_progress" : "")},
                   {"config-epoch", std::to_string(group.config_epoch)},
                   {"num-slaves", std::to_string(group.replicas.size())},
                   {"num-other-sentinels", std::to_string(group.peers.size())},
                   {"quorum", std::to_string(group.quorum)},
                   {"down-after-milliseconds", std::to_string(group.down_after.count())},
                   {"failover-timeout", std::to_string(group.failover_timeout.count())},
                   {"parallel-syncs", std::to_string(group.parallel_syncs)}});
  }
  if (Is(command, {"SENTINEL", "SLAVES"})) {
    std::vector<Reply> replicas;
    for (const auto& [endpoint, known] : group.replicas) {
      const auto redis = redis_.find(endpoint);
      const bool there = redis != redis_.end();
      replicas.push_back(
          Fields({{"ip", endpoint.host},
                  {"port", std::to_string(endpoint.port)},
                  {"flags",
                   fmt::format("slave{}{}", known.down ? ",s_down" : "", known.promoted ? ",promoted" : "")},
                  {"master-link-status", there && redis->second.link_up ? "ok" : "err"},
                  {"master-link-down-time", there && redis->second.link_up ? "0" : "1000"},
                  {"slave-priority", there ? redis->second.config.at("replica-priority") : "100"},
                  {"master-host", known.asked ? group.master.host : "?"}}));
    }
    return Array(std::move(replicas));
  }
  if (Is(command, {"SENTINEL", "SENTINELS"})) {
    std::vector<Reply> peers;
    for (const auto& peer : group.peers) {
      const auto& other = sentinels_[peer];
      peers.push_back(Fields({{"ip", peer.host},
                              {"port", std::to_string(peer.port)},
                              {"runid", other.id},
                              {"flags", other.state == State::kAnswers ? "sentinel" : "sentinel,s_down"}}));
    }
    return Array(std::move(peers));
  }
  if (Is(command, {"SENTINEL", "FAILOVER"})) return FailOver(server, sentinel, command[2]);
  if (Is(command, {"SENTINEL", "REMOVE"})) {
    sentinel.groups.erase(found);
    return Ok();
  }
  if (Is(command, {"SENTINEL", "SET"})) {
    const std::string& value = command.at(4);
    if (Is({command.at(3)}, {"DOWN-AFTER-MILLISECONDS"})) group.down_after = Duration(std::stoll(value));
    if (Is({command.at(3)}, {"FAILOVER-TIMEOUT"})) group.failover_timeout = Duration(std::stoll(value));
    if (Is({command.at(3)}, {"QUORUM"})) group.quorum = std::stoull(value);
    if (Is({command.at(3)}, {"PARALLEL-SYNCS"})) group.parallel_syncs = std::stoull(value);
    return Ok();
  }
  return Wrong("ERR Unknown sentinel subcommand");
}

const Endpoint* FakeFleet::FindBest(const Monitored& group) {
  const Endpoint* best = nullptr;
  int best_priority = 0;
  for (const auto& [endpoint, known] : group.replicas) {
    const auto redis = redis_.find(endpoint);
    if (redis == redis_.end() || redis->second.state != State::kAnswers || known.down || !known.asked)
      continue;
    const int priority = std::stoi(redis->second.config.at("replica-priority"));
    if (priority == 0 || (best != nullptr && priority >= best_priority)) continue;
    best = &endpoint;
    best_priority = priority;
  }
  return best;
}

redis::Reply FakeFleet::FailOver(const Endpoint& server, Sentinel& sentinel, const std::string& name) {
  Monitored& group = sentinel.groups.at(name);
  if (group.failing_over) return Wrong("INPROG Failover already in progress");
  if (FindBest(group) == nullptr) return Wrong("NOGOODSLAVE No suitable replica to promote");
  group.failing_over = true;
  // One in TILT takes the order, and does nothing until that is over.
  if (sentinel.tilt) return Ok();
  time_.At(time_.Now() + sentinel.promotes_after, [this, server, name] {
    Sentinel& leader = sentinels_.at(server);
    const auto found = leader.groups.find(name);
    if (leader.state != State::kAnswers || found == leader.groups.end() || !found->second.failing_over)
      return;
    // One that was given too little time has given up by now.
    const Endpoint* best =
        found->second.failover_timeout < leader.promotes_after ? nullptr : FindBest(found->second);
    if (best == nullptr) {
      found->second.failing_over = false;
      return;
    }
    const Endpoint promoted = *best;
    found->second.replicas.at(promoted).promoted = true;
    ++found->second.config_epoch;
    Promote(promoted);
    time_.At(time_.Now() + leader.ends_after,
             [this, server, name, promoted] { Finish(server, name, promoted); });
  });
  return Ok();
}

void FakeFleet::Finish(const Endpoint& server, const std::string& name, const Endpoint& promoted) {
  const auto led = sentinels_.at(server).groups.find(name);
  if (led == sentinels_.at(server).groups.end() || !led->second.failing_over) return;
  const std::uint64_t epoch = led->second.config_epoch;
  const Endpoint old = led->second.master;
  for (auto& [endpoint, sentinel] : sentinels_) {
    const auto found = sentinel.groups.find(name);
    if (sentinel.state != State::kAnswers || found == sentinel.groups.end()) continue;
    Monitored& group = found->second;
    if (group.master != old) continue;
    group.replicas.erase(promoted);
    group.replicas[old].down = redis_.at(old).state != State::kAnswers;
    group.master = promoted;
    group.master_down = false;
    group.failing_over = false;
    group.config_epoch = epoch;
  }
  for (auto& [endpoint, redis] : redis_) {
    if (redis.role == redis::Role::kReplica && redis.master == old && redis.state == State::kAnswers)
      redis.master = promoted;
  }
}

}  // namespace redis_zk::testing
