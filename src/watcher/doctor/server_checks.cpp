#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "store/record.h"
#include "watcher/doctor/checks.h"
#include "watcher/words.h"

namespace redis_zk::watcher::doctor {

namespace {

// redis.conf's default.
constexpr std::int64_t kUsualMaxClients = 10000;
// Descriptors that Redis keeps for itself (server.h, CONFIG_MIN_RESERVED_FDS).
constexpr std::int64_t kReservedDescriptors = 32;
constexpr int kFullPercent = 80;

std::optional<std::int64_t> NumberOf(const Redis& redis, const char* setting) {
  const auto found = redis.settings.find(setting);
  if (found == redis.settings.end() || found->second.empty()) return std::nullopt;
  return std::strtoll(found->second.c_str(), nullptr, 10);
}

std::string TextOf(const Redis& redis, const char* setting) {
  const auto found = redis.settings.find(setting);
  return found == redis.settings.end() ? "" : found->second;
}

const Redis* FindMaster(const Checkup& checkup, const std::string& name, const GroupStatus& group) {
  for (const auto& redis : checkup.redis) {
    if (redis.group == name && HasMaster(group.record) && redis.endpoint == group.record.master)
      return &redis;
  }
  return nullptr;
}

std::size_t CountAttached(const GroupStatus& group) {
  return static_cast<std::size_t>(
      std::count_if(group.replicas.begin(), group.replicas.end(),
                    [&group](const auto& replica) { return IsAttached(group, replica); }));
}

// "7.0.15" as (7, 0); what comes last does not matter for the format of the data.
std::tuple<int, int> ReleaseOf(const std::string& version) {
  int major = 0;
  int minor = 0;
  if (std::sscanf(version.c_str(), "%d.%d", &major, &minor) < 1) return {};
  return {major, minor};
}

// A power of two less what Redis keeps: it has taken what the descriptor limit allowed.
bool LooksLowered(std::int64_t max_clients) {
  const std::int64_t limit = max_clients + kReservedDescriptors;
  return max_clients < kUsualMaxClients && limit > 0 && (limit & (limit - 1)) == 0;
}

}  // namespace

std::vector<Finding> LookAtPriorities(const Checkup& checkup) {
  std::vector<Finding> findings;
  for (const auto& [name, group] : checkup.status.groups) {
    std::size_t replicas = 0;
    std::size_t promotable = 0;
    for (const auto& replica : group.replicas) {
      if (!replica.info) continue;
      const auto set = group.priorities.find(replica.endpoint);
      const auto priority = set == group.priorities.end() ? replica.info->priority : set->second;
      ++replicas;
      if (priority != store::kNeverPromoted) ++promotable;
    }
    if (replicas == 0) {
      if (HasMaster(group.record))
        findings.push_back({Severity::kWarning, name,
                            "the master has no replica: when it dies, nothing serves until it returns; start "
                            "another redis-wrapper on another machine"});
    } else if (promotable == 0) {
      findings.push_back(
          {Severity::kWarning, name,
           fmt::format("replica-priority is 0 on {}: no failover is possible; set it to 100 "
                       "in the redis.conf of one",
                       replicas == 1 ? "the replica" : fmt::format("all {} replicas", replicas))});
    }
  }
  return findings;
}

std::vector<Finding> LookAtMinReplicas(const Checkup& checkup) {
  std::vector<Finding> findings;
  for (const auto& [name, group] : checkup.status.groups) {
    const auto* master = FindMaster(checkup, name, group);
    const auto wanted = master == nullptr ? std::nullopt : NumberOf(*master, kMinReplicas);
    if (!wanted || *wanted <= 0) continue;
    const auto attached = static_cast<std::int64_t>(CountAttached(group));
    if (*wanted >= redis::kFencedMinReplicas) {
      findings.push_back({Severity::kError, name,
                          "the fence is raised: the master takes no writes, because it cannot show that it "
                          "still is the master; see its log for fence-raised"});
    } else if (*wanted > attached) {
      findings.push_back({Severity::kError, name,
                          fmt::format("min-replicas-to-write is {} and {} attached: the master takes no "
                                      "writes; start more replicas or lower it",
                                      *wanted, CountedAre(CountAttached(group), "replica"))});
    } else if (*wanted == attached) {
      findings.push_back({Severity::kWarning, name,
                          fmt::format("min-replicas-to-write is {}, as many replicas as are attached: the "
                                      "master takes no writes while one of them restarts",
                                      *wanted)});
    }
  }
  return findings;
}

std::vector<Finding> LookAtPersistence(const Checkup& checkup) {
  std::map<std::string, std::map<std::string, std::size_t>> ways;
  for (const auto& redis : checkup.redis) {
    if (!redis.settings.contains(kAppendOnly)) continue;
    const bool log = TextOf(redis, kAppendOnly) == "yes";
    const bool snapshots = !TextOf(redis, kSave).empty();
    const char* way = log ? "an append-only file" : snapshots ? "snapshots" : "memory only";
    ++ways[redis.group][way];
  }
  std::vector<Finding> findings;
  for (const auto& [group, counts] : ways) {
    if (counts.size() > 1) {
      std::string text;
      for (const auto& [way, count] : counts)
        text += fmt::format("{}{} on {}", text.empty() ? "" : ", ", way, Counted(count, "node"));
      findings.push_back({Severity::kWarning, group,
                          fmt::format("the nodes keep their data differently ({}): what survives depends on "
                                      "which of them is master; give all the same redis.conf",
                                      text)});
    } else if (counts.begin()->first == "memory only") {
      findings.push_back({Severity::kAdvice, group,
                          "the data are kept in memory only: they are lost when all nodes die; set save or "
                          "appendonly in redis.conf, and put dir on a volume, if that matters"});
    }
  }
  return findings;
}

std::vector<Finding> LookAtClients(const Checkup& checkup) {
  std::vector<Finding> findings;
  for (const auto& redis : checkup.redis) {
    const auto most = NumberOf(redis, kMaxClients);
    if (!most || *most <= 0) continue;
    const std::string address = redis.endpoint.ToAddress();
    if (redis.clients * 100 >= *most * kFullPercent) {
      findings.push_back({Severity::kWarning, redis.group,
                          fmt::format("{} has {} of at most {} clients: others, also these daemons, will be "
                                      "refused; raise maxclients or find who keeps connections",
                                      address, redis.clients, *most)});
    } else if (LooksLowered(*most)) {
      findings.push_back({Severity::kWarning, redis.group,
                          fmt::format("{} takes {} clients at most, as a limit of {} descriptors allows: "
                                      "raise the limit (ulimit -n, or nofile of the container)",
                                      address, *most, *most + kReservedDescriptors)});
    }
  }
  return findings;
}

std::vector<Finding> LookAtMemory(const Checkup& checkup) {
  std::vector<Finding> findings;
  std::map<std::string, std::set<std::int64_t>> limits;
  for (const auto& redis : checkup.redis) {
    if (const auto limit = NumberOf(redis, kMaxMemory)) limits[redis.group].insert(*limit);
  }
  for (const auto& [group, values] : limits) {
    if (values.size() > 1)
      findings.push_back({Severity::kWarning, group,
                          "the nodes have different values of maxmemory: after a failover less may fit; give "
                          "all the same redis.conf"});
    else if (*values.begin() == 0)
      findings.push_back({Severity::kAdvice, group,
                          "maxmemory is not set: a Redis that grows beyond its container is killed; set it "
                          "to some 60 % of the container's memory"});
  }
  for (const auto& [name, group] : checkup.status.groups) {
    const auto* master = FindMaster(checkup, name, group);
    if (master == nullptr || !group.master || !group.master->info) continue;
    const auto& info = *group.master->info;
    const bool refuses = TextOf(*master, kMaxMemoryPolicy) == "noeviction";
    if (refuses && info.max_memory > 0 && info.used_memory * 100 >= info.max_memory * kFullPercent)
      findings.push_back({Severity::kWarning, name,
                          fmt::format("the master uses {} of maxmemory {} with maxmemory-policy noeviction: "
                                      "at the limit it takes no writes; raise maxmemory, or delete keys",
                                      InBytes(static_cast<std::int64_t>(info.used_memory)),
                                      InBytes(static_cast<std::int64_t>(info.max_memory)))});
  }
  return findings;
}

std::vector<Finding> LookAtVersions(const Checkup& checkup) {
  std::vector<Finding> findings;
  for (const auto& [name, group] : checkup.status.groups) {
    const auto* master = FindMaster(checkup, name, group);
    std::set<std::string> versions;
    bool behind = false;
    for (const auto& redis : checkup.redis) {
      if (redis.group != name || redis.version.empty()) continue;
      versions.insert(redis.version);
      if (master == nullptr || ReleaseOf(redis.version) >= ReleaseOf(master->version)) continue;
      behind = true;
      findings.push_back({Severity::kWarning, name,
                          fmt::format("replica {} runs Redis {}, older than the master's {}: it may not be "
                                      "able to load the master's data; upgrade replicas first",
                                      redis.endpoint.ToAddress(), redis.version, master->version)});
    }
    if (versions.size() > 1 && !behind)
      findings.push_back({Severity::kAdvice, name,
                          fmt::format("the nodes run different versions of Redis: {}; finish the upgrade",
                                      fmt::join(versions, ", "))});
  }
  if (const auto& wrappers = checkup.topology.versions; wrappers.size() > 1) {
    std::string text;
    for (const auto& [version, count] : wrappers)
      text += fmt::format("{}{} of {}", text.empty() ? "" : ", ", count, version);
    findings.push_back({Severity::kAdvice, "",
                        fmt::format("wrappers of several versions run: {}; finish the upgrade", text)});
  }
  std::set<std::string> sentinels;
  for (const auto& sentinel : checkup.sentinels) {
    if (!sentinel.version.empty()) sentinels.insert(sentinel.version);
  }
  if (sentinels.size() > 1)
    findings.push_back({Severity::kAdvice, "",
                        fmt::format("the Sentinels run different versions: {}; finish the upgrade",
                                    fmt::join(sentinels, ", "))});
  return findings;
}

std::vector<Finding> LookAtOpenServers(const Checkup& checkup) {
  std::vector<Finding> findings;
  for (const auto& [kind, open] : FindOpenKinds(checkup.topology.wrappers))
    findings.push_back({Severity::kWarning, "", open.sentence});
  return findings;
}

}  // namespace redis_zk::watcher::doctor
