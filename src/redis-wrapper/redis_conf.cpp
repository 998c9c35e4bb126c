#include "redis-wrapper/redis_conf.h"

#include <fmt/core.h>
#include <strings.h>

#include <charconv>
#include <vector>

#include "net/endpoint.h"
#include "redis/connection.h"
#include "redis/listening.h"
#include "store/record.h"

namespace redis_zk::redis_wrapper {

namespace {

using redis::Conf;
using redis::ConfLine;
using redis::ConfRule;
using redis::Fate;

bool SaysYes(const ConfLine& line) { return strcasecmp(line.Value().c_str(), "yes") == 0; }
bool SaysNo(const ConfLine& line) { return strcasecmp(line.Value().c_str(), "no") == 0; }

// Where the server listens, and what it tells others.
void AddAddressRules(const WrapperOptions& options, std::vector<ConfRule>* rules) {
  const auto& server = options.server;
  rules->push_back(
      {"bind", Fate::kReplaced, [&server](const ConfLine& line) {
         const bool same = line.words.size() == 2 && CanonicalHost(line.words[1]) == server.bind.host;
         return same ? ""
                     : fmt::format("the server listens on {} alone (NET_IFACE, BIND_IP)", server.bind.host);
       }});
  redis::AddRulesOf({server.bind.port, options.common.redis_tls.used()}, "the server", rules);
  rules->push_back({"replica-announce-ip", Fate::kReplaced, [&server](const ConfLine& line) {
                      return CanonicalHost(line.Value()) == server.announce.host
                                 ? ""
                                 : fmt::format("others are told {} (ANNOUNCE_IP)", server.announce.host);
                    }});
  rules->push_back({"replica-announce-port", Fate::kReplaced, [&server](const ConfLine& line) {
                      return line.Value() == std::to_string(server.announce.port)
                                 ? ""
                                 : fmt::format("others are told port {} (ANNOUNCE_PORT)",
                                               server.announce.port);
                    }});
}

void AddPasswordRules(const WrapperOptions& options, std::vector<ConfRule>* rules) {
  const auto current = options.common.credentials.redis.Get();
  const auto& credentials = *current;
  if (credentials.password.empty()) return;
  const auto unless = [rules](std::string_view name, const std::string& ours, const char* why) {
    rules->push_back({name, Fate::kReplaced, [ours, why](const ConfLine& line) -> std::string {
                        return line.Value() == ours ? "" : why;
                      }});
  };
  if (credentials.username.empty())
    unless("requirepass", credentials.password, "REDIS_PASSWORD is another one");
  unless("masteruser", credentials.username, "replicas use REDIS_USERNAME");
  unless("masterauth", credentials.password, "replicas use REDIS_PASSWORD");
}

std::vector<ConfRule> RulesOf(const WrapperOptions& options) {
  std::vector<ConfRule> rules;
  AddAddressRules(options, &rules);
  AddPasswordRules(options, &rules);
  rules.push_back({"replicaof", Fate::kReplaced, [](const ConfLine& line) -> std::string {
                     return SaysNo(line) ? "" : "the role comes from ZooKeeper; remove the line";
                   }});
  rules.push_back({"replica-announced", Fate::kHinders, [](const ConfLine& line) -> std::string {
                     return SaysNo(line) ? "Sentinel is not told of this server, and never promotes it" : "";
                   }});
  rules.push_back({"cluster-enabled", Fate::kCannotWork, [](const ConfLine& line) -> std::string {
                     return SaysYes(line) ? "Redis Cluster knows neither replicaof nor Sentinel" : "";
                   }});
  return rules;
}

// The lines that say who may log in: "; see /etc/redis/redis.conf:12: requirepass".
std::string PlacesOfUsers(const Conf& users) {
  std::string places;
  for (const char* name : {"requirepass", "user", "aclfile"}) {
    if (const auto* const line = users.Find(name))
      places += fmt::format("{}{}: {}", places.empty() ? "; see " : ", ", line->Place(), name);
  }
  return places;
}

}  // namespace

std::vector<redis::NeededCommand> NeededCommands(const WrapperOptions& options) {
  std::vector<redis::NeededCommand> commands{
      {"INFO",
       Fate::kCannotWork,
       "redis-wrapper, the watcher and Sentinel could not see the server",
       {"INFO"}},
      {"PING", Fate::kCannotWork, "Sentinel would report the server as down"},
      {"PSYNC", Fate::kCannotWork, "replicas could not copy the data", {"PSYNC", "?", "-1"}},
      {"REPLCONF",
       Fate::kHinders,
       "Sentinel cannot find the replicas of this server, so a failover is impossible",
       {"REPLCONF", "ACK", "0"}},
      {"REPLICAOF",
       Fate::kHinders,
       "the server cannot follow a new master, and neither recovery nor handover work",
       {"REPLICAOF", "NO", "ONE"}},
      {"SLAVEOF", Fate::kHinders, "Sentinel cannot fail over; see rename-command in sentinel.conf"},
      {"CONFIG",
       Fate::kHinders,
       "there is no fence, an incomplete copy may be promoted, and appendonly is not converted",
       {"CONFIG", "SET", "min-replicas-to-write", "0"}},
      {"CLIENT",
       Fate::kHinders,
       "a handover cannot pause writes, and clients stay with a demoted master",
       {"CLIENT", "PAUSE", "1", "WRITE"}},
      {"MULTI", Fate::kHinders, "Sentinel cannot fail over"},
      {"EXEC", Fate::kHinders, "Sentinel cannot fail over"},
      {"PUBLISH", Fate::kHinders, "Sentinels cannot find each other through this server"},
      {"SUBSCRIBE", Fate::kHinders, "Sentinels cannot find each other through this server"},
      {"BGSAVE",
       Fate::kHinders,
       "an append-only file is not converted to a snapshot, and a failed snapshot is not retried",
       {"BGSAVE"}}};
  if (!options.common.credentials.redis.Get()->password.empty())
    commands.push_back({"AUTH", Fate::kCannotWork, "no client could send REDIS_PASSWORD"});
  return commands;
}

std::int64_t FindReplicaPriority(const Conf& users) {
  const std::string value = users.Value("replica-priority");
  std::int64_t priority = store::kDefaultPriority;
  std::from_chars(value.data(), value.data() + value.size(), priority);
  return priority;
}

redis::ConfFindings CheckRedisConf(const Conf& users, const WrapperOptions& options) {
  return redis::CheckConf(users, RulesOf(options), NeededCommands(options));
}

std::string ExplainRefusal(const Error& refusal, const Conf& users, const WrapperOptions& options) {
  const std::string& said = refusal.message;
  if (redis::IsProtected(said))
    return redis::ExplainProtectedMode("redis-server", "REDIS_PASSWORD", users, options.redis_conf);
  if (refusal.cause == Cause::kTls)
    return "redis-server cannot be reached with TLS; look at REDIS_TLS and the tls lines of REDIS_CONF: " +
           said;
  if (said.find("unknown command") != std::string::npos &&
      said.find("refused the password") == std::string::npos)
    return "redis-server does not know INFO; remove its rename-command from REDIS_CONF: " + said;
  if (said.find("NOPERM") != std::string::npos)
    return "redis-server does not let REDIS_USERNAME run INFO; give that user the rights that the wrapper "
           "needs" +
           PlacesOfUsers(users) + ": " + said;
  return "redis-server refuses REDIS_USERNAME and REDIS_PASSWORD; make them match REDIS_CONF" +
         PlacesOfUsers(users) + ": " + said;
}

}  // namespace redis_zk::redis_wrapper
