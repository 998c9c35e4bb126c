#include "support/fake_fleet.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "support/replies.h"

namespace redis_zk::testing {

namespace {

using redis::Command;
using redis::Reply;

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
    // What is under way arrives first, and its answers are waited for.
    auto late = TryAsk(std::exchange(under_way_, {}));
    return late || late.error().kind != ErrorKind::kTimeout ? TryAsk(commands) : late;
  }

 private:
  Result<redis::Replies> TryAsk(const std::vector<Command>& commands) {
    if (commands.empty()) return redis::Replies{};
    auto answers = logged_in_ ? fleet_.asker_.AskLoggedIn(server(), commands)
                              : fleet_.asker_.AskAll({server()}, commands).front();
    logged_in_ = answers || (logged_in_ && answers.error().kind == ErrorKind::kTimeout);
    if (!answers && answers.error().kind == ErrorKind::kTimeout) under_way_ = commands;
    return answers;
  }

  FakeFleet& fleet_;
  std::vector<Command> under_way_;  // sent, and not answered yet
  bool logged_in_ = false;
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
  sentinel.groups[group] = {.master = master};
  FindOthers(endpoint, group);
  return sentinel;
}

void FakeFleet::FindOthers(const Endpoint& endpoint, const std::string& group) {
  Monitored& monitored = sentinels_.at(endpoint).groups.at(group);
  for (const auto& [server, redis] : redis_) {
    if (redis.role == redis::Role::kReplica && redis.master == monitored.master) monitored.replicas[server];
  }
  for (auto& [other, known] : sentinels_) {
    if (other == endpoint || !known.groups.contains(group)) continue;
    monitored.peers.push_back(other);
    auto& peers = known.groups.at(group).peers;
    if (std::find(peers.begin(), peers.end(), endpoint) == peers.end()) peers.push_back(endpoint);
  }
}

std::vector<Result<redis::Replies>> FakeFleet::Asker::AskAll(const std::vector<Endpoint>& servers,
                                                             const std::vector<Command>& commands) {
  const std::lock_guard lock(fleet_.mutex_);
  std::vector<Result<redis::Replies>> answers;
  bool waited = false;
  for (const auto& server : servers) {
    answers.push_back(server == fleet_.refuses_logins
                          ? Result<redis::Replies>(Fail(ErrorKind::kRefused, "WRONGPASS"))
                          : fleet_.Answer(server, commands));
    waited = waited || (!answers.back() && answers.back().error().kind == ErrorKind::kTimeout);
  }
  // All were asked at once.
  if (waited) fleet_.time_.Advance(redis::kAnswerTimeout);
  return answers;
}

Result<redis::Replies> FakeFleet::Asker::AskLoggedIn(const Endpoint& server,
                                                     const std::vector<Command>& commands) {
  const std::lock_guard lock(fleet_.mutex_);
  auto answers = fleet_.Answer(server, commands);
  if (!answers && answers.error().kind == ErrorKind::kTimeout) fleet_.time_.Advance(redis::kAnswerTimeout);
  return answers;
}

std::unique_ptr<redis::KeptServer> FakeFleet::Asker::Keep(const Endpoint& server) {
  return std::make_unique<Kept>(fleet_, server);
}

bool FakeFleet::IsForbidden(const std::string& order) const {
  return std::any_of(forbidden.begin(), forbidden.end(),
                     [&order](const auto& beginning) { return order.rfind(beginning, 0) == 0; });
}

Result<redis::Replies> FakeFleet::Answer(const Endpoint& server, const std::vector<Command>& commands) {
  const auto redis = redis_.find(server);
  const auto sentinel = sentinels_.find(server);
  const State state = redis != redis_.end()          ? redis->second.state
                      : sentinel != sentinels_.end() ? sentinel->second.state
                                                     : State::kGone;
  if (state == State::kGone)
    return Fail(ErrorKind::kUnavailable, server.ToAddress() + ": Connection refused");
  const bool held_back =
      redis != redis_.end() && time_.Now() < redis->second.paused_until &&
      std::any_of(commands.begin(), commands.end(), [](const auto& command) { return Is(command, {"SET"}); });
  if (state == State::kSilent || held_back)
    return Fail(ErrorKind::kTimeout,
                fmt::format("{}: no answer within {} ms", server.ToAddress(), redis::kAnswerTimeout.count()));
  redis::Replies replies;
  for (const auto& command : commands) {
    const std::string order = fmt::format("{} {}", server.ToAddress(), fmt::join(command, " "));
    if (IsForbidden(order)) {
      replies.push_back(Wrong("NOPERM this user has no permissions to run this command"));
      continue;
    }
    replies.push_back(redis != redis_.end() ? AnswerRedis(server, redis->second, command)
                                            : AnswerSentinel(server, sentinel->second, command));
    const bool question = Is(command, {"PING"}) || Is(command, {"INFO"}) || Is(command, {"CONFIG", "GET"}) ||
                          Is(command, {"SENTINEL", "MYID"}) || Is(command, {"SENTINEL", "MASTER"}) ||
                          Is(command, {"SENTINEL", "GET-MASTER-ADDR-BY-NAME"}) ||
                          Is(command, {"SENTINEL", "IS-MASTER-DOWN-BY-ADDR"}) ||
                          Is(command, {"SENTINEL", "SLAVES"}) || Is(command, {"SENTINEL", "SENTINELS"}) ||
                          (Is(command, {"SENTINEL", "DEBUG"}) && command.size() == 2);
    if (question || replies.back().is_error()) continue;
    orders.push_back(order);
    on_change(orders.back());
  }
  return replies;
}

redis::Reply FakeFleet::AnswerRedis(const Endpoint& server, Redis& redis, const Command& command) {
  if (!redis.refusal.empty()) return Wrong(redis.refusal);
  for (const auto& words : redis.forbidden) {
    if (Is(command, words)) return Wrong("NOPERM this user has no permissions to run this command");
  }
  if (Is(command, {"PING"}) && redis.save_failed)
    return Wrong(
        "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.");
  if (Is(command, {"PING"})) return Text("PONG");
  if (Is(command, {"INFO"})) return Text(Info(server, redis));
  if (Is(command, {"CONFIG", "GET"})) {
    const auto found = redis.config.find(command.at(2));
    return found == redis.config.end() ? Array({}) : Fields({*found});
  }
  if (Is(command, {"CONFIG", "SET"})) {
    for (std::size_t i = 2; i + 1 < command.size(); i += 2) {
      if (!redis.config.contains(command[i])) return Wrong("ERR Unknown option or number of arguments");
      redis.config[command[i]] = command[i + 1];
    }
    // Redis connects again every second.
    if (command.at(2) == "masterauth" && redis.role == redis::Role::kReplica && !LinkIsUp(redis))
      Attach(redis, Endpoint(redis.master));
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
    Attach(redis, ToEndpoint(command.at(1), command.at(2)));
    return Ok();
  }
  if (Is(command, {"SET"})) return Write(server, redis);
  if (Is(command, {"BGSAVE"})) redis.save_failed = false;
  if (Is(command, {"BGREWRITEAOF"}) || Is(command, {"BGSAVE"})) return Text("Background saving started");
  return Wrong(fmt::format("ERR unknown command '{}'", command.front()));
}

std::string FakeFleet::Info(const Endpoint& server, const Redis& redis) const {
  const bool is_master = redis.role == redis::Role::kMaster;
  std::string text = fmt::format(
      "# Server\r\nrun_id:{}\r\nprocess_id:{}\r\n# Persistence\r\nloading:{}\r\naof_enabled:{}\r\n"
      "rdb_changes_since_last_save:{}\r\nrdb_last_bgsave_status:{}\r\n# Replication\r\nrole:{}\r\n"
      "master_replid:{}\r\nmaster_replid2:{}\r\nmaster_repl_offset:{}\r\nsecond_repl_offset:{}\r\n",
      redis.run_id, redis.process_id, redis.loading ? 1 : 0, redis.config.at("appendonly") == "yes" ? 1 : 0,
      redis.unsaved_changes, redis.save_failed ? "err" : "ok", is_master ? "master" : "slave",
      redis.replication_id,
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
        redis.master.host, redis.master.port, LinkIsUp(redis) ? "up" : "down", redis.synchronising ? 1 : 0,
        redis.offset, redis.config.at("replica-priority"),
        LinkIsUp(redis) ? "" : "master_link_down_since_seconds:1\r\n");
  }
  return text + fmt::format("# Keyspace\r\ndb0:keys={},expires=0,avg_ttl=0\r\n", redis.keys);
}

redis::Reply FakeFleet::AnswerSentinel(const Endpoint& server, Sentinel& sentinel, const Command& command) {
  if (Is(command, {"PING"})) return Text("PONG");
  if (Is(command, {"INFO"})) return Text(fmt::format("sentinel_tilt:{}\r\n", sentinel.tilt ? 1 : 0));
  if (Is(command, {"SENTINEL", "MYID"})) return Text(sentinel.id);
  if (Is(command, {"SENTINEL", "DEBUG"}) && !sentinel.knows_debug)
    return Wrong("ERR Unknown subcommand or wrong number of arguments for 'DEBUG'. Try SENTINEL HELP.");
  if (Is(command, {"SENTINEL", "DEBUG", "INFO-PERIOD"})) {
    sentinel.info_period = Duration(std::stoll(command.at(3)));
    return Ok();
  }
  if (Is(command, {"SENTINEL", "DEBUG"}))
    return Fields({{"INFO-PERIOD", std::to_string(sentinel.info_period.count())}});
  if (Is(command, {"SENTINEL", "MONITOR"})) {
    if (!IsIpAddress(command.at(3))) return Wrong("ERR Invalid IP address or hostname specified");
    if (sentinel.groups.contains(command.at(2))) return Wrong("ERR Duplicate master name.");
    sentinel.groups[command.at(2)] = {.master = ToEndpoint(command.at(3), command.at(4)),
                                      .quorum = std::stoull(command.at(5))};
    FindOthers(server, command.at(2));
    return Ok();
  }
  if (Is(command, {"SENTINEL", "CONFIG", "SET"}) || Is(command, {"ACL", "SETUSER"})) return Ok();
  if (Is(command, {"SENTINEL", "IS-MASTER-DOWN-BY-ADDR"})) return Vote(sentinel, command);
  if (Is(command, {"PUBLISH", "__SENTINEL__:HELLO"})) return Hear(sentinel, command.at(2));
  if (Is(command, {"SENTINEL"}) && command.size() > 2) return AnswerOfGroup(server, sentinel, command);
  return Wrong(fmt::format("ERR unknown command '{}'", command.front()));
}

redis::Reply FakeFleet::Vote(const Sentinel& sentinel, const Command& command) {
  const Endpoint master = ToEndpoint(command.at(2), command.at(3));
  for (const auto& [name, group] : sentinel.groups) {
    if (group.master == master)
      return Array({Number(group.master_down ? 1 : 0), Text(group.leader),
                    Number(static_cast<std::int64_t>(group.leader_epoch))});
  }
  return Array({Number(0), Text("*"), Number(0)});
}

redis::Reply FakeFleet::AnswerOfGroup(const Endpoint& server, Sentinel& sentinel, const Command& command) {
  const auto found = sentinel.groups.find(command[2]);
  if (Is(command, {"SENTINEL", "RESET"})) {
    if (found == sentinel.groups.end()) return Number(0);
    found->second.replicas.clear();
    found->second.peers.clear();
    found->second.failing_over = false;
    const auto find = [this, server, name = command[2]](bool peers) { FindAgain(server, name, peers); };
    time_.At(time_.Now() + sentinel.info_period, [find] { find(false); });
    time_.At(time_.Now() + 2s, [find] { find(true); });
    return Number(1);
  }
  if (found == sentinel.groups.end())
    return Is(command, {"SENTINEL", "GET-MASTER-ADDR-BY-NAME"}) ? Reply{}
                                                                : Wrong("ERR No such master with that name");
  Monitored& group = found->second;
  if (Is(command, {"SENTINEL", "GET-MASTER-ADDR-BY-NAME"})) {
    for (const auto& [replica, known] : group.replicas) {
      if (known.promoted && group.has_seen_promotion)
        return Array({Text(replica.host), Text(std::to_string(replica.port))});
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
      const bool linked = redis != redis_.end() && LinkIsUp(redis->second);
      replicas.push_back(Fields({{"ip", endpoint.host},
                                 {"port", std::to_string(endpoint.port)},
                                 {"flags", fmt::format("slave{}{}", known.down ? ",s_down" : "",
                                                       known.promoted ? ",promoted" : "")},
                                 {"master-link-status", linked ? "ok" : "err"},
                                 {"master-link-down-time", linked ? "0" : "1000"},
                                 {"slave-priority", PriorityOf(endpoint, known)},
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
  if (Is(command, {"SENTINEL", "SET"})) return Set(group, command);
  return Wrong("ERR Unknown sentinel subcommand");
}

void FakeFleet::FindAgain(const Endpoint& server, const std::string& name, bool peers) {
  const auto found = sentinels_.at(server).groups.find(name);
  if (found == sentinels_.at(server).groups.end()) return;
  Monitored& group = found->second;
  if (peers) group.peers.clear();
  for (const auto& [endpoint, other] : sentinels_) {
    const bool says_hello = other.state == State::kAnswers && other.groups.contains(name);
    if (peers && endpoint != server && says_hello) group.peers.push_back(endpoint);
  }
  for (const auto& [endpoint, redis] : redis_) {
    const bool attached = redis.role == redis::Role::kReplica && redis.master == group.master;
    if (!peers && attached && redis.link_up && redis.state == State::kAnswers) group.replicas[endpoint];
  }
}

std::string FakeFleet::PriorityOf(const Endpoint& replica, const Known& known) const {
  if (known.believed_priority) return std::to_string(*known.believed_priority);
  const auto redis = redis_.find(replica);
  return redis == redis_.end() ? "100" : redis->second.config.at("replica-priority");
}

const Endpoint* FakeFleet::FindBest(const Monitored& group) {
  const Endpoint* best = nullptr;
  std::pair<int, std::int64_t> best_rank;
  for (const auto& [endpoint, known] : group.replicas) {
    const auto redis = redis_.find(endpoint);
    if (redis == redis_.end() || redis->second.state != State::kAnswers || known.down || !known.asked)
      continue;
    const std::pair rank{std::stoi(PriorityOf(endpoint, known)), -redis->second.offset};
    if (rank.first == 0 || (best != nullptr && rank >= best_rank)) continue;
    best = &endpoint;
    best_rank = rank;
  }
  return best;
}

redis::Reply FakeFleet::FailOver(const Endpoint& server, Sentinel& sentinel, const std::string& name) {
  Monitored& group = sentinel.groups.at(name);
  if (group.failing_over) return Wrong("INPROG Failover already in progress");
  if (FindBest(group) == nullptr) return Wrong("NOGOODSLAVE No suitable replica to promote");
  group.failing_over = true;
  group.has_seen_promotion = false;
  group.leader = sentinel.id;
  group.leader_epoch = group.config_epoch + 1;
  time_.At(time_.Now() + sentinel.promotes_after, [this, server, name] { Choose(server, name); });
  return Ok();
}

void FakeFleet::Choose(const Endpoint& server, const std::string& name) {
  Sentinel& leader = sentinels_.at(server);
  const auto found = leader.groups.find(name);
  if (found == leader.groups.end() || !found->second.failing_over) return;
  Monitored& group = found->second;
  // The order is gone with the process.
  if (leader.state == State::kGone) {
    group.failing_over = false;
    return;
  }
  // One in TILT took the order, and does nothing until that is over; nor does one that stands still.
  if (leader.tilt || leader.state == State::kSilent) {
    time_.At(time_.Now() + 100ms, [this, server, name] { Choose(server, name); });
    return;
  }
  // One that was given too little time has given up by now.
  const Endpoint* best = group.failover_timeout < leader.promotes_after ? nullptr : FindBest(group);
  if (best == nullptr) {
    group.failing_over = false;
    return;
  }
  const Endpoint promoted = *best;
  group.replicas.at(promoted).promoted = true;
  Promote(promoted);
  if (leader.sees_after == 0ms) SeePromotion(server, name);
  on_change("");
  time_.At(time_.Now() + leader.sees_after, [this, server, name] { SeePromotion(server, name); });
  time_.At(time_.Now() + leader.ends_after,
           [this, server, name, promoted] { Finish(server, name, promoted); });
}

void FakeFleet::SeePromotion(const Endpoint& server, const std::string& name) {
  const auto found = sentinels_.at(server).groups.find(name);
  if (found == sentinels_.at(server).groups.end() || !found->second.failing_over) return;
  found->second.has_seen_promotion = true;
  found->second.config_epoch = found->second.leader_epoch;
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
      Attach(redis, promoted);
  }
  on_change("");
}

}  // namespace redis_zk::testing
