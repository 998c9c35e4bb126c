#include "watcher/explain.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "watcher/condition.h"
#include "watcher/words.h"

namespace redis_zk::watcher {

namespace {

using redis::Role;

// From the moment that Sentinel calls the master down until the new one is named: Sentinel asks for INFO once
// a second.
constexpr Duration kSentinelTakes = 1200ms;
// Sentinel refuses a replica whose link was down for longer, in down-afters (sentinel.c,
// sentinelSelectSlave).
constexpr int kMostDownAfters = 10;
// Servers are not asked at the same instant, and the stream of writes goes on: who is closer than this is
// about as far.
constexpr std::int64_t kAlike = 4096;
constexpr std::size_t kTerminal = 80;
constexpr const char* kColdStartWait = "COLD_START_WAIT, 30 s unless set otherwise";

bool MasterActs(const GroupStatus& group) {
  return group.master && group.master->info && group.master->info->role == Role::kMaster;
}

std::string Listed(const std::vector<const ServerStatus*>& servers) {
  std::string text;
  for (const auto* server : servers) text += (text.empty() ? "" : ", ") + server->endpoint.ToAddress();
  return text;
}

// --- who can fail over

std::uint64_t VotesToLead(std::uint64_t quorum, std::uint64_t counted) {
  return std::max(quorum, counted / 2 + 1);
}

// What it takes to fail over, by the strictest of the Sentinels: the quorum to begin, a majority of all that
// are counted to lead.
struct Election {
  std::uint64_t agreeing = 0;  // answer, and watch the recorded master
  std::uint64_t quorum = 0;
  std::uint64_t counted = 0;
  Duration down_after{};

  std::uint64_t needed() const { return VotesToLead(quorum, counted); }
  bool possible_without(std::uint64_t dead) const { return agreeing >= needed() + dead; }
  std::string rule() const {
    return fmt::format("a failover needs {} of {} (quorum {})", needed(), Counted(counted, "known Sentinel"),
                       quorum);
  }
};

Election FindElection(const GroupStatus& group) {
  Election election;
  for (const auto& sentinel : group.sentinels) {
    if (!NamesMaster(group, sentinel)) continue;
    const auto& report = *sentinel.report;
    ++election.agreeing;
    election.quorum = std::max(election.quorum, report.quorum);
    election.counted = std::max(election.counted, report.known_sentinels + 1);
    election.down_after = std::max(election.down_after, report.down_after);
  }
  return election;
}

// Why it would not be promoted; nothing: it could be.
std::optional<std::string> FindObstacle(const GroupStatus& group, const ServerStatus& replica,
                                        const Election& election, TimePoint now) {
  if (!replica.info) return "it does not answer";
  const auto& info = *replica.info;
  if (info.role == Role::kMaster) return "it acts as a master already";
  if (info.loading || info.synchronising ||
      (info.priority == 0 && group.incomplete.contains(replica.endpoint)))
    return "it holds no complete copy of the data yet";
  if (info.priority == 0) return "its replica-priority is 0";
  const bool seen =
      std::any_of(group.sentinels.begin(), group.sentinels.end(), [&](const SentinelStatus& sentinel) {
        return std::any_of(sentinel.replicas.begin(), sentinel.replicas.end(), [&](const auto& report) {
          return report.endpoint == replica.endpoint && !report.down;
        });
      });
  if (!seen) return "no Sentinel sees it";
  // The time for which the master has been dead does not count against it.
  const bool silent = group.master && !group.master->info;
  const Clock::duration dead_for = silent ? now - group.master->silent_since : Clock::duration{};
  if (info.link_down_for > election.down_after * kMostDownAfters + dead_for) {
    return fmt::format(
        "its link to the master has been down for {}, so Sentinel refuses it until the sentinel-wrappers "
        "start a recovery",
        InSeconds(info.link_down_for));
  }
  return std::nullopt;
}

struct Succession {
  const ServerStatus* candidate = nullptr;  // nothing: no replica can be promoted
  std::string why;
};

// As Sentinel chooses: the lowest priority, then the highest offset, then the lowest run id.
Succession FindCandidate(const std::vector<const ServerStatus*>& fit) {
  std::int64_t lowest = std::numeric_limits<std::int64_t>::max();
  for (const auto* replica : fit) lowest = std::min(lowest, replica->info->priority);
  std::vector<const ServerStatus*> preferred;
  std::int64_t furthest = std::numeric_limits<std::int64_t>::min();
  for (const auto* replica : fit) {
    if (replica->info->priority != lowest) continue;
    preferred.push_back(replica);
    furthest = std::max(furthest, replica->info->offset);
  }
  std::vector<const ServerStatus*> front;
  for (const auto* replica : preferred) {
    if (replica->info->offset + kAlike >= furthest) front.push_back(replica);
  }
  const auto first = std::min_element(front.begin(), front.end(), [](const auto* one, const auto* other) {
    return one->info->run_id < other->info->run_id;
  });
  if (first == front.end()) return {};
  if (fit.size() == 1) return {*first, "it is the only candidate"};
  if (preferred.size() == 1) return {*first, fmt::format("its replica-priority {} is the lowest", lowest)};
  if (front.size() == 1) return {*first, fmt::format("of priority {} it has the highest offset", lowest)};
  return {*first,
          fmt::format("priority {}, about the same offset as {} of that priority, and the lowest run id",
                      lowest, front.size() == 2 ? "the other one" : "the others")};
}

// --- what is on the disks

enum class OnDisk { kUnknown, kNothing, kCopying, kIncomplete, kAll };

OnDisk FindOnDisk(const ServerStatus& server) {
  if (!server.info) return OnDisk::kUnknown;
  const auto& info = *server.info;
  if (info.loading || info.synchronising) return OnDisk::kCopying;
  if (info.keys == 0) return OnDisk::kNothing;
  return info.append_only || info.unsaved_changes == 0 ? OnDisk::kAll : OnDisk::kIncomplete;
}

// The node that would begin after a cold start, as far as that can be told while all nodes live.
struct ColdStart {
  std::string replication_id;                  // that of the master, or of who is furthest
  std::vector<const ServerStatus*> newest;     // about equally far, all of it on disk
  std::vector<const ServerStatus*> snapshots;  // what they wrote since the last one would be lost
  std::vector<const ServerStatus*> others;     // of another replication id
  bool any_data = false;
  bool any_unknown = false;
};

ColdStart FindColdStart(const std::vector<const ServerStatus*>& servers) {
  ColdStart found;
  const ServerStatus* reference = nullptr;
  for (const auto* server : servers) {
    const OnDisk on_disk = FindOnDisk(*server);
    found.any_unknown |= on_disk == OnDisk::kUnknown;
    if (on_disk != OnDisk::kAll && on_disk != OnDisk::kIncomplete) continue;
    found.any_data = true;
    const bool leads = server->info->role == Role::kMaster;
    const bool further = reference != nullptr && reference->info->role != Role::kMaster &&
                         server->info->offset > reference->info->offset;
    if (reference == nullptr || (leads && reference->info->role != Role::kMaster) || further)
      reference = server;
  }
  if (reference == nullptr) return found;
  found.replication_id = reference->info->replication_id;
  std::int64_t furthest = std::numeric_limits<std::int64_t>::min();
  std::vector<const ServerStatus*> complete;
  for (const auto* server : servers) {
    const OnDisk on_disk = FindOnDisk(*server);
    if (on_disk != OnDisk::kAll && on_disk != OnDisk::kIncomplete) continue;
    if (server->info->replication_id != found.replication_id) {
      found.others.push_back(server);
    } else if (on_disk == OnDisk::kIncomplete) {
      found.snapshots.push_back(server);
    } else {
      complete.push_back(server);
      furthest = std::max(furthest, server->info->offset);
    }
  }
  for (const auto* server : complete) {
    if (server->info->offset + kAlike >= furthest) found.newest.push_back(server);
  }
  return found;
}

// --- everything that the sentences are made of

struct Facts {
  const Topology& topology;
  const GroupStatus& group;
  TimePoint now;
  Election election;
  Succession succession;
  ColdStart cold_start;

  bool fails_over() const { return election.possible_without(0) && succession.candidate != nullptr; }
};

Facts Gather(const Topology& topology, const GroupStatus& group, TimePoint now) {
  Facts facts{topology, group, now, FindElection(group), {}, {}};
  std::vector<const ServerStatus*> fit;
  std::vector<const ServerStatus*> servers;
  if (group.master) servers.push_back(&*group.master);
  for (const auto& replica : group.replicas) {
    servers.push_back(&replica);
    if (!FindObstacle(group, replica, facts.election, now)) fit.push_back(&replica);
  }
  facts.succession = FindCandidate(fit);
  facts.cold_start = FindColdStart(servers);
  return facts;
}

// --- the group

std::string Lost(const Facts& facts) {
  const auto lag = LagOf(facts.group, *facts.succession.candidate);
  std::string lost = "unreplicated writes would be lost: ";
  lost += lag ? fmt::format("{} at the last check", InBytes(*lag)) : "how much is unknown";
  if (MasterActs(facts.group) && facts.group.master->info->good_replicas)
    lost += "; min-replicas-to-write limits that";
  return lost;
}

std::string IfMasterDies(const Facts& facts) {
  const auto& [topology, group, now, election, succession, cold_start] = facts;
  if (!HasMaster(group.record)) return "no master is recorded";
  const std::string already = group.master && !group.master->info ? "it already does not answer; " : "";
  if (group.sentinels.empty()) return already + "no replica would be promoted: no Sentinel is registered";
  if (!election.possible_without(0)) {
    return already +
           fmt::format("no replica would be promoted: {}, and {} of those registered watch the master",
                       election.agreeing == 0 ? "a failover needs Sentinels" : election.rule(),
                       election.agreeing);
  }
  if (succession.candidate == nullptr) {
    if (group.replicas.empty()) return already + "no replica would be promoted: there is none";
    std::string why;
    for (const auto& replica : group.replicas) {
      why += fmt::format("{}{}: {}", why.empty() ? "" : "; ", replica.endpoint.ToAddress(),
                         *FindObstacle(group, replica, election, now));
    }
    return already + "no replica would be promoted: " + why;
  }
  return already + fmt::format(
                       "{} would most likely be promoted ({}), about {} after the death; {}; {}, and {} "
                       "watch the master",
                       succession.candidate->endpoint.ToAddress(), succession.why,
                       InSeconds(election.down_after + kSentinelTakes), Lost(facts), election.rule(),
                       election.agreeing);
}

std::string IfSentinelDies(const Facts& facts) {
  const auto& election = facts.election;
  if (facts.group.sentinels.empty()) return "no Sentinel is registered";
  if (!election.possible_without(0)) {
    return fmt::format("no failover is possible even now: {}, and {} watch the master", election.rule(),
                       election.agreeing);
  }
  if (!election.possible_without(1)) {
    return fmt::format(
        "no failover would be possible until a new Sentinel takes its identity: {}, and {} would be left",
        election.rule(), election.agreeing - 1);
  }
  const std::uint64_t more = election.agreeing - 1 - election.needed();
  return fmt::format(
      "a failover would still be possible: {}, and {} would be left; {}", election.rule(),
      election.agreeing - 1,
      more == 0 ? std::string("no further Sentinel may die") : fmt::format("{} more may die", more));
}

std::string IfEverythingDies(const Facts& facts) {
  const auto& found = facts.cold_start;
  const std::string unknown = found.any_unknown ? "; servers that do not answer now are not counted" : "";
  if (!found.any_data)
    return "no server is known to hold data: the first one to return becomes the master" + unknown;
  std::string begins;
  if (found.newest.size() == 1) {
    begins = found.newest.front()->endpoint.ToAddress() +
             " would become the master: the newest data are on its disk";
  } else if (!found.newest.empty()) {
    begins = fmt::format(
        "one of {} would become the master, the one with the newest data on its disk: their offsets are "
        "about equal",
        Listed(found.newest));
  } else {
    begins =
        "the server with the newest snapshot would become the master; which one that is, is not known here";
  }
  std::string rest;
  if (!found.snapshots.empty()) {
    rest += fmt::format(
        "; {} would lack what was written since the last snapshot: no append-only file is written",
        Listed(found.snapshots));
  }
  if (!found.others.empty()) {
    rest += fmt::format(
        "; {} may hold an unrelated dataset, and then no master starts before FORCE_MASTER names it",
        Listed(found.others));
  }
  return fmt::format(
      "{}{}; the nodes that return wait for the others that were up ({}), then the one with the best data "
      "becomes the master and overwrites those that come later; an empty node waits as long, and becomes the "
      "master only if no node with data has come{}",
      begins, rest, kColdStartWait, unknown);
}

// --- the nodes

std::string ServerIfEverythingDies(const Facts& facts, const ServerStatus& server) {
  const auto& found = facts.cold_start;
  const auto is_in = [&server](const auto& some) {
    return std::find(some.begin(), some.end(), &server) != some.end();
  };
  switch (FindOnDisk(server)) {
    case OnDisk::kUnknown:
      return "unknown: it does not answer";
    case OnDisk::kNothing:
      return found.any_data ? "would return empty, wait for a node with data and copy it"
                            : "would become the master if it returns first";
    case OnDisk::kCopying:
      return "would return with the data on its disk, which are outdated";
    case OnDisk::kIncomplete:
    case OnDisk::kAll:
      break;
  }
  if (is_in(found.others))
    return "holds data of another replication id: the history in ZooKeeper tells how old they are";
  if (is_in(found.snapshots))
    return fmt::format(
        "would return without its last {}",
        Counted(static_cast<std::size_t>(std::max<std::int64_t>(server.info->unsaved_changes, 0)), "change"));
  if (!is_in(found.newest)) return "would follow the new master, and copy what it lacks";
  return found.newest.size() == 1 ? "would become the master"
                                  : "would become the master if its disk is newest, else follow";
}

NodeExplanation ExplainMaster(const Facts& facts, const ServerStatus& master) {
  NodeExplanation node{.node = master.endpoint, .role = "master"};
  const auto& group = facts.group;
  if (const auto fault = ConditionOfMaster(master, facts.now).warning; !fault.empty()) {
    node.now = fault;
  } else {
    const auto linked = std::count_if(group.replicas.begin(), group.replicas.end(),
                                      [&](const auto& replica) { return IsAttached(group, replica); });
    node.now = fmt::format("serves reads and writes; {} of {} linked to it", linked,
                           Counted(group.replicas.size(), "replica"));
    if (const auto& good = master.info->good_replicas)
      node.now += fmt::format(
          "; rejects writes without enough healthy replicas (min-replicas-to-write, or the fence), "
          "now {}",
          *good);
  }
  node.outlook = {
      .master_dies = facts.fails_over()
                         ? "would follow the new master when it returns; if only its redis-server "
                           "dies, its wrapper asks for the failover at once, without down-after"
                         : "no failover: it would be the master again when it returns with its data",
      .sentinel_dies = kNothingChanges,
      .everything_dies = ServerIfEverythingDies(facts, master)};
  return node;
}

NodeExplanation ExplainReplica(const Facts& facts, const ServerStatus& replica) {
  NodeExplanation node{.node = replica.endpoint, .role = "replica"};
  if (const auto fault = ConditionOfReplica(facts.group, replica, facts.now).warning; !fault.empty()) {
    node.now = fault;
  } else {
    const auto lag = LagOf(facts.group, replica);
    node.now =
        fmt::format("serves reads; {}, priority {}",
                    lag ? InBytes(*lag) + " behind" : "how far behind is unknown", replica.info->priority);
  }
  const auto obstacle = FindObstacle(facts.group, replica, facts.election, facts.now);
  std::string& dies = node.outlook.master_dies;
  if (obstacle) {
    dies = "would not be promoted: " + *obstacle;
  } else if (!facts.fails_over()) {
    dies = "would stay a replica without a master";
  } else if (facts.succession.candidate == &replica) {
    dies = "would most likely be promoted: " + facts.succession.why;
  } else {
    dies = "would follow " + facts.succession.candidate->endpoint.ToAddress();
  }
  node.outlook.sentinel_dies = kNothingChanges;
  node.outlook.everything_dies = ServerIfEverythingDies(facts, replica);
  return node;
}

NodeExplanation ExplainWaiting(const Facts& facts, const WaitingMember& member) {
  NodeExplanation node{.node = member.endpoint, .role = "waiting"};
  const bool has_data = member.data_bytes > 0;
  node.now =
      fmt::format("has waited for {}, with {} on its disk; {}", InSeconds(facts.now - member.since),
                  has_data ? InBytes(static_cast<std::int64_t>(member.data_bytes)) : std::string("no data"),
                  HasMaster(facts.group.record) ? facts.group.record.master.ToAddress() + " is recorded"
                                                : "no master is recorded");
  node.outlook = {.master_dies = "would not be promoted: it does not serve",
                  .sentinel_dies = kNothingChanges,
                  .everything_dies = has_data ? "would become the master if its data are the newest"
                                              : "would wait for a node with data and copy it"};
  return node;
}

NodeExplanation ExplainSentinel(const Facts& facts, const SentinelStatus& sentinel) {
  NodeExplanation node{.node = sentinel.endpoint, .role = "Sentinel"};
  const auto& group = facts.group;
  auto& [master_dies, sentinel_dies, everything_dies] = node.outlook;
  everything_dies = "would take its identity again, and watch the new master";
  if (!NamesMaster(group, sentinel)) {
    node.now = !sentinel.report ? sentinel.error
               : !HasMaster(group.record)
                   ? "watches " + sentinel.report->master.ToAddress()
                   : fmt::format("watches {}, not the recorded master", sentinel.report->master.ToAddress());
    master_dies = "would not take part in the failover";
    sentinel_dies = "if it is this one: nothing changes for a failover";
    return node;
  }
  const auto& report = *sentinel.report;
  const std::uint64_t counted = report.known_sentinels + 1;
  node.now = report.failover_in_progress ? "runs a failover"
             : report.master_down
                 ? "reports the master as down"
                 : fmt::format("watches the master, and {}", Counted(report.known_replicas, "replica"));
  master_dies = fmt::format(
      "would report it as down after {} of silence, and vote; to lead the failover it needs {} of {} votes",
      InSeconds(report.down_after), VotesToLead(report.quorum, counted), counted);
  sentinel_dies = facts.election.possible_without(1) ? "if it is this one: the others could fail over"
                                                     : "if it is this one: no failover would be possible";
  return node;
}

NodeExplanation ExplainWatcher(const Facts& facts) {
  NodeExplanation node{.node = std::nullopt, .role = "watcher"};
  const auto& topology = facts.topology;
  const std::string followed = topology.following ? topology.following->ToAddress() : "";
  const std::string asks = "asks all Sentinels every 5 s";
  node.now = followed.empty() ? "follows no Sentinel; " + asks : "follows Sentinel " + followed;
  if (!topology.zookeeper_connected)
    node.now += "; ZooKeeper is unreachable: it serves what it last read, and records nothing";
  node.outlook = {
      .master_dies = !topology.zookeeper_connected
                         ? "would record the new master when ZooKeeper is reachable again"
                     : followed.empty() ? "would record the new master when it asks the Sentinels next"
                                        : "would record the new master as soon as " + followed + " names it",
      .sentinel_dies = fmt::format("would leave it out of /sentinels when its session ends{}",
                                   followed.empty() ? "" : ", and follow another if it is " + followed),
      .everything_dies = "would go on serving the record until the new master is recorded"};
  return node;
}

}  // namespace

GroupExplanation Explain(const Topology& topology, const GroupStatus& group, TimePoint now) {
  const Facts facts = Gather(topology, group, now);
  GroupExplanation explanation{{.master_dies = IfMasterDies(facts),
                                .sentinel_dies = IfSentinelDies(facts),
                                .everything_dies = IfEverythingDies(facts)},
                               {}};
  if (group.master) explanation.nodes.push_back(ExplainMaster(facts, *group.master));
  for (const auto& replica : group.replicas) explanation.nodes.push_back(ExplainReplica(facts, replica));
  for (const auto& member : group.waiting) explanation.nodes.push_back(ExplainWaiting(facts, member));
  for (const auto& sentinel : group.sentinels) explanation.nodes.push_back(ExplainSentinel(facts, sentinel));
  explanation.nodes.push_back(ExplainWatcher(facts));
  return explanation;
}

std::string RenderText(const std::string& group, const GroupExplanation& explanation) {
  const Look look{.width = kTerminal};
  const auto render = [&](const auto& sentence_of) {
    std::vector<Row> rows;
    for (const auto& node : explanation.nodes) {
      const std::string& sentence = sentence_of(node);
      if (sentence != kNothingChanges)
        rows.push_back({{node.role}, {node.node ? node.node->ToAddress() : "this one"}, {sentence}});
    }
    return RenderTable(rows, 4, look);
  };
  const auto part = [&](const std::string& title, std::string Outlook::*what) {
    return fmt::format("\n  {}\n", title) + RenderSentence({explanation.outlook.*what}, 4, look) +
           render([what](const auto& node) -> const std::string& { return node.outlook.*what; });
  };
  return group + "\n  now\n" + render([](const auto& node) -> const std::string& { return node.now; }) +
         part("if the master died", &Outlook::master_dies) +
         part("if a Sentinel died", &Outlook::sentinel_dies) +
         part("if everything died", &Outlook::everything_dies);
}

}  // namespace redis_zk::watcher
