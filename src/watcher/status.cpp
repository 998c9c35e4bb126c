#include "watcher/status.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "base/printable.h"
#include "base/unix_time.h"
#include "daemon/exposure.h"
#include "watcher/admin_request.h"
#include "watcher/condition.h"
#include "watcher/strange_sentinels.h"
#include "watcher/words.h"

namespace redis_zk::watcher {

namespace {

// A first copy is mostly there before.
constexpr Duration kLongWithoutCopy = 10s;
// Of open servers of one kind; the others are counted.
constexpr std::size_t kMostNamed = 3;

using redis::Role;
using store::Record;

const ServerStatus* FindServer(const GroupStatus* group, const Endpoint& endpoint) {
  if (group == nullptr) return nullptr;
  if (group->master && group->master->endpoint == endpoint) return &*group->master;
  const auto found = std::find_if(group->replicas.begin(), group->replicas.end(),
                                  [&](const auto& replica) { return replica.endpoint == endpoint; });
  return found == group->replicas.end() ? nullptr : &*found;
}

const GroupStatus* FindGroup(const FleetStatus& status, const std::string& group) {
  const auto found = status.groups.find(group);
  return found == status.groups.end() ? nullptr : &found->second;
}

ServerStatus StatusOf(const Endpoint& endpoint, const Findings& findings, const GroupStatus* earlier,
                      TimePoint now) {
  ServerStatus status{.endpoint = endpoint};
  const auto found = findings.servers.find(endpoint);
  if (found != findings.servers.end() && found->second) {
    status.info = *found->second;
    const auto limit = findings.min_replicas.find(endpoint);
    if (limit != findings.min_replicas.end()) status.min_replicas = limit->second;
    return status;
  }
  status.error =
      found == findings.servers.end() ? "it was not asked" : Printable(found->second.error().message);
  const auto* before = FindServer(earlier, endpoint);
  const bool was_silent = before != nullptr && !before->info;
  status.silent_since = was_silent ? before->silent_since : now;
  return status;
}

std::string DescribeSilence(const Error& error) {
  if (error.kind == ErrorKind::kNotFound) return "does not know the group";
  if (error.kind == ErrorKind::kRefused) return "refuses the watcher: " + Printable(error.message);
  return "does not answer";
}

void WarnOf(const std::string& name, const Condition& condition, std::vector<std::string>* warnings) {
  if (!condition.warning.empty()) warnings->push_back(name + ' ' + condition.warning);
}

void WarnOfMaster(const GroupStatus& group, TimePoint now, std::vector<std::string>* warnings) {
  if (!HasMaster(group.record)) {
    warnings->push_back("no master is recorded");
    return;
  }
  const std::string master = "the recorded master " + group.record.master.ToAddress();
  WarnOf(master, ConditionOfMaster(*group.master, now), warnings);
  if (HidesMinReplicas(*group.master))
    warnings->push_back(
        master +
        " has min-replicas-to-write set, by its user or as its fence, and does not tell the "
        "watcher to what: whether it takes writes is unknown; allow CONFIG GET to the user of "
        "the watcher");
}

void WarnOfRisk(std::string risk, GroupStatus* group) {
  if (group->risk.empty()) group->risk = risk;
  group->warnings.push_back(std::move(risk));
}

void WarnOfReplicas(TimePoint now, GroupStatus* found) {
  const GroupStatus& group = *found;
  bool any_fit = false;
  for (const auto& replica : group.replicas) {
    WarnOf("replica " + replica.endpoint.ToAddress(), ConditionOfReplica(group, replica, now),
           &found->warnings);
    any_fit |= IsAttached(group, replica);
  }
  // Of a silent master the links say nothing: every replica has lost its own.
  const bool silent = group.master && !group.master->info;
  if (HasMaster(group.record) && !any_fit && !silent)
    WarnOfRisk("no replica follows the master: a failover or a planned stop has no candidate", found);
}

void WarnOfSentinels(GroupStatus* found) {
  const GroupStatus& group = *found;
  if (group.sentinels.empty()) {
    WarnOfRisk("no Sentinel is registered: a dead master is replaced by recovery alone, and late", found);
    return;
  }
  std::size_t agreeing = 0;
  std::size_t answering = 0;
  std::uint64_t quorum = 0;
  std::uint64_t counted = 0;
  for (const auto& sentinel : group.sentinels) {
    WarnOf("Sentinel " + sentinel.endpoint.ToAddress(), ConditionOfSentinel(group, sentinel),
           &found->warnings);
    if (!sentinel.report) continue;
    ++answering;
    quorum = std::max(quorum, sentinel.report->quorum);
    counted = std::max(counted, sentinel::FleetOf(*sentinel.report));
    if (NamesMaster(group, sentinel)) ++agreeing;
  }
  if (HasMaster(group.record) && agreeing < group.sentinels.size()) {
    found->warnings.push_back(
        fmt::format("only {} of {} Sentinels agree with the record", agreeing, group.sentinels.size()));
  }
  // A failover takes the quorum to begin, and a majority to be won.
  if (answering < quorum) {
    WarnOfRisk(fmt::format("the quorum of {} cannot be reached: {} of {} Sentinels answer", quorum, answering,
                           group.sentinels.size()),
               found);
  } else if (answering == 0) {
    WarnOfRisk("no Sentinel answers this watcher: whether a failover is possible is unknown", found);
  } else if (answering * 2 <= counted) {
    WarnOfRisk(fmt::format("no failover is possible: {} of {} known Sentinels answer", answering, counted),
               found);
  }
}

bool IsSilent(const GroupStatus& group, const Endpoint& endpoint) {
  const auto* server = FindServer(&group, endpoint);
  return server != nullptr && !server->info;
}

void WarnOfWaiting(const GroupStatus& group, TimePoint now, std::vector<std::string>* warnings) {
  // A watcher's own are the other warnings of the group, but for one.
  for (const auto& wait : group.waits) {
    // That the server is silent is a warning already.
    if (wait.wait.name == "server-silent" && IsSilent(group, wait.wait.endpoint)) continue;
    if (!wait.wait.uuid.empty() || wait.wait.name == "foreign-entries")
      warnings->push_back(DescribeWait(wait, now));
  }
  for (const auto& member : group.waiting) {
    const bool told = std::any_of(group.waits.begin(), group.waits.end(), [&member](const auto& wait) {
      return wait.wait.endpoint == member.endpoint;
    });
    if (told) continue;
    WarnOf("redis-wrapper " + member.endpoint.ToAddress(), ConditionOfWaiting(member, now), warnings);
  }
}

void WarnOfIncomplete(const GroupStatus& group, TimePoint now, std::vector<std::string>* warnings) {
  for (const auto& [endpoint, since] : group.incomplete) {
    if (now - since < kLongWithoutCopy) continue;
    warnings->push_back(fmt::format("{} has had no complete copy of the data for {}; it cannot be promoted",
                                    endpoint.ToAddress(), InSeconds(now - since)));
  }
}

Writable WritableNow(const GroupStatus& group, const GroupStatus* before, TimePoint now) {
  const bool is = group.master && WhyNotWritable(*group.master).empty();
  if (before == nullptr) return {.is = is, .since = now, .since_first_look = true};
  // Another master: there was a time without one, however short.
  const bool is_other = is && before->record.master != group.record.master;
  if (before->writable.is == is && !is_other) return before->writable;
  return {.is = is, .since = now};
}

void WarnOfStrangers(const GroupStatus& group, TimePoint now, std::vector<std::string>* warnings) {
  for (const auto& strange : group.strange_sentinels) {
    if (now - strange.since >= kStaysStrange) warnings->push_back(Describe(strange));
  }
}

}  // namespace

std::vector<Endpoint> ReplicasOf(const std::string& group, const Topology& topology, const Findings& findings,
                                 const FleetStatus& earlier) {
  std::set<Endpoint> replicas;
  if (const auto found = topology.serving.find(group); found != topology.serving.end())
    replicas = found->second;
  if (const auto reports = findings.reports.find(group); reports != findings.reports.end()) {
    for (const auto& report : reports->second) {
      if (!report) continue;
      for (const auto& replica : report->replicas) replicas.insert(replica.endpoint);
    }
  }
  const auto* before = FindGroup(earlier, group);
  if (before != nullptr && before->master && before->master->info) {
    for (const auto& attached : before->master->info->replicas) replicas.insert(attached.endpoint);
  }
  if (const auto& record = topology.groups.at(group); HasMaster(record)) replicas.erase(record.master);
  return {replicas.begin(), replicas.end()};
}

std::string DescribeWait(const LongWait& wait, TimePoint now) {
  const std::string who = wait.wait.endpoint.host.empty()
                              ? wait.wait.daemon
                              : wait.wait.daemon + ' ' + wait.wait.endpoint.ToAddress();
  return fmt::format("{} {} for {}: {}", who,
                     wait.wait.needs_person ? "has waited for a person" : "has waited",
                     InSeconds(now - wait.since), wait.wait.sentence);
}

FleetStatus Summarize(const Topology& topology, const Findings& findings, const FleetStatus& earlier,
                      TimePoint now) {
  FleetStatus status{.observed_at = now};
  const auto ours = IdsOf(topology, findings);
  for (const auto& [name, record] : topology.groups) {
    const auto* before = FindGroup(earlier, name);
    auto& group = status.groups[name];
    group.record = record;
    if (HasMaster(record)) group.master = StatusOf(record.master, findings, before, now);
    for (const auto& replica : ReplicasOf(name, topology, findings, earlier))
      group.replicas.push_back(StatusOf(replica, findings, before, now));
    const auto reports = findings.reports.find(name);
    for (std::size_t i = 0; i < topology.sentinels.size(); ++i) {
      SentinelStatus sentinel{.endpoint = topology.sentinels[i].endpoint};
      if (reports == findings.reports.end()) {
        sentinel.error = "was not asked";
      } else if (const auto& report = reports->second[i]; report) {
        sentinel.report = report->report;
        sentinel.replicas = report->replicas;
      } else {
        sentinel.error = DescribeSilence(report.error());
      }
      group.sentinels.push_back(std::move(sentinel));
    }
    if (const auto found = topology.waiting.find(name); found != topology.waiting.end())
      group.waiting = found->second;
    if (const auto found = topology.incomplete.find(name); found != topology.incomplete.end())
      group.incomplete = found->second;
    if (const auto found = topology.priorities.find(name); found != topology.priorities.end())
      group.priorities = found->second;
    if (const auto found = topology.waits.find(name); found != topology.waits.end())
      group.waits = found->second;
    group.strange_sentinels = FindStrangers(ours, topology, findings, group, before, now);
    const auto own_pause = topology.pauses.find(name);
    if (own_pause != topology.pauses.end() && IsUnderWay(own_pause->second, UnixTime()))
      group.warnings.push_back("automatic changes of this group are " + Describe(own_pause->second));
    WarnOfMaster(group, now, &group.warnings);
    WarnOfReplicas(now, &group);
    // While ZooKeeper is away, its wrapper cannot tell that it has one by now.
    if (topology.zookeeper_connected) WarnOfIncomplete(group, now, &group.warnings);
    WarnOfWaiting(group, now, &group.warnings);
    WarnOfSentinels(&group);
    WarnOfStrangers(group, now, &group.warnings);
    group.writable = WritableNow(group, before, now);
  }
  return status;
}

bool HasMaster(const Record& record) { return record.state == Record::State::kMaster; }

bool NamesMaster(const GroupStatus& group, const SentinelStatus& sentinel) {
  return HasMaster(group.record) && sentinel.report && sentinel.report->master == group.record.master;
}

bool Agrees(const GroupStatus& group, const SentinelStatus& sentinel) {
  return NamesMaster(group, sentinel) && !sentinel.report->master_down;
}

bool IsAttached(const GroupStatus& group, const ServerStatus& replica) {
  return HasMaster(group.record) && replica.info && replica.info->role == Role::kReplica &&
         replica.info->link_up && replica.info->master == group.record.master;
}

std::optional<std::int64_t> LagOf(const GroupStatus& group, const ServerStatus& replica) {
  if (!group.master || !group.master->info || !replica.info) return std::nullopt;
  const auto& master = *group.master->info;
  // Offsets compare only within one replication id.
  if (master.role != Role::kMaster || master.replication_id != replica.info->replication_id)
    return std::nullopt;
  // Both were asked at once, but not at the same instant.
  return std::max<std::int64_t>(0, master.offset - replica.info->offset);
}

std::string DescribeOpen(const OpenZnodes& open) {
  return fmt::format(
      "{} open to other users of ZooKeeper than ZK_USERNAME, {} for one; set ZK_ACL to private or readable "
      "and run watcher secure-zookeeper",
      CountedAre(open.count, "znode"), open.first);
}

std::map<std::string, OpenKind> FindOpenKinds(const std::vector<store::Report>& wrappers) {
  struct Open {
    const daemon::Risk* risk = nullptr;
    std::set<Endpoint> addresses;
  };
  std::map<std::string, Open> found;
  for (const auto& wrapper : wrappers) {
    if (!wrapper.open) continue;
    const auto& risk = daemon::RiskOf(wrapper.process.daemon);
    auto& open = found[std::string(risk.kind)];
    open.risk = &risk;
    open.addresses.insert(wrapper.process.endpoint);
  }
  std::map<std::string, OpenKind> kinds;
  for (const auto& [kind, open] : found) {
    std::string named;
    std::size_t count = 0;
    for (const auto& address : open.addresses) {
      if (count++ < kMostNamed) named += (named.empty() ? "" : ", ") + address.ToAddress();
    }
    if (count > kMostNamed) named += fmt::format(" and {} more", count - kMostNamed);
    kinds[kind] = {count, daemon::DescribeOpenServers(named, *open.risk)};
  }
  return kinds;
}

std::vector<std::string> WarningsOf(const Topology& topology, TimePoint now) {
  std::vector<std::string> warnings;
  if (!topology.zookeeper_connected) {
    warnings.emplace_back(topology.known_at == TimePoint{}
                              ? std::string("ZooKeeper has not been read yet")
                              : "ZooKeeper has been unreachable for " + InSeconds(now - topology.known_at));
  }
  if (!topology.following) warnings.emplace_back("no Sentinel is followed: failovers are detected late");
  if (const auto* pause = store::FindPause(topology.pauses, store::kAllGroups, UnixTime()))
    warnings.push_back(fmt::format("automatic changes of all groups are {}", Describe(*pause)));
  if (topology.open_znodes && topology.open_znodes->count > 0)
    warnings.push_back(DescribeOpen(*topology.open_znodes));
  for (const auto& [kind, open] : FindOpenKinds(topology.wrappers)) warnings.push_back(open.sentence);
  warnings.insert(warnings.end(), topology.expiring.begin(), topology.expiring.end());
  if (const auto own = topology.waits.find(""); own != topology.waits.end()) {
    for (const auto& wait : own->second) {
      if (wait.wait.name == "registry") warnings.push_back(DescribeWait(wait, now));
    }
  }
  return warnings;
}

}  // namespace redis_zk::watcher
