#include "watcher/explain.h"

#include <fmt/core.h>

#include <algorithm>

#include "watcher/condition.h"
#include "watcher/forecast.h"
#include "watcher/words.h"

namespace redis_zk::watcher {

namespace {

using redis::Role;

// From the moment that Sentinel calls the master down until the new one is named: Sentinel asks for INFO once
// a second.
constexpr Duration kSentinelTakes = 1200ms;
constexpr std::size_t kTerminal = 80;
constexpr const char* kColdStartWait = "COLD_START_WAIT, 30 s unless set otherwise";
constexpr const char* kRecovers =
    "recovery would promote the one with the best data after RECOVERY_PATIENCE, if ZooKeeper and most of the "
    "group's peers answer";
constexpr const char* kHandsOver =
    "; its replica-priority is 0: it hands over as soon as a replica that may be promoted has its data";

// What the sentences are made of.
struct Facts {
  const Topology& topology;
  const GroupStatus& group;
  TimePoint now;
  Forecast forecast;
};

bool MasterActs(const GroupStatus& group) {
  return group.master && group.master->info && group.master->info->role == Role::kMaster;
}

std::string Listed(const std::vector<const ServerStatus*>& servers) {
  std::string text;
  for (const auto* server : servers) text += (text.empty() ? "" : ", ") + server->endpoint.ToAddress();
  return text;
}

std::string RuleOf(const Election& election) {
  return fmt::format("a failover needs {} of {} (quorum {})", election.needed(),
                     Counted(election.counted, "known Sentinel"), election.quorum);
}

// --- the group

std::string Lost(const Facts& facts) {
  const auto lag = LagOf(facts.group, *facts.forecast.succession.candidate);
  std::string lost = "unreplicated writes would be lost: ";
  lost += lag ? fmt::format("{} at the last check", InBytes(*lag)) : "how much is unknown";
  if (MasterActs(facts.group) && facts.group.master->info->good_replicas)
    lost += "; min-replicas-to-write limits that";
  return lost;
}

std::string IfMasterDies(const Facts& facts) {
  const auto& group = facts.group;
  const auto& [election, succession, cold_start] = facts.forecast;
  if (!HasMaster(group.record)) return "no master is recorded";
  const std::string already = group.master && !group.master->info ? "it already does not answer; " : "";
  if (group.sentinels.empty())
    return already + "Sentinel would promote no replica, none is registered; " + kRecovers;
  if (!election.possible_without(0)) {
    return already +
           fmt::format(
               "Sentinel would promote no replica: {}, and {} of those registered watch the master; {}",
               election.agreeing == 0 ? "a failover needs Sentinels" : RuleOf(election), election.agreeing,
               kRecovers);
  }
  if (succession.candidate == nullptr) {
    if (group.replicas.empty()) return already + "no replica would be promoted: there is none";
    std::string why;
    for (const auto& replica : group.replicas) {
      why += fmt::format("{}{}: {}", why.empty() ? "" : "; ", replica.endpoint.ToAddress(),
                         succession.obstacles.at(replica.endpoint));
    }
    return already + "no replica would be promoted: " + why;
  }
  return already + fmt::format(
                       "{} would most likely be promoted ({}), about {} after the death; {}; {}, and {} "
                       "watch the master",
                       succession.candidate->endpoint.ToAddress(), succession.why,
                       InSeconds(election.down_after + kSentinelTakes), Lost(facts), RuleOf(election),
                       election.agreeing);
}

std::string IfSentinelDies(const Facts& facts) {
  const auto& election = facts.forecast.election;
  if (facts.group.sentinels.empty()) return "no Sentinel is registered";
  if (!election.possible_without(0)) {
    return fmt::format("no failover is possible even now: {}, and {} watch the master", RuleOf(election),
                       election.agreeing);
  }
  if (!election.possible_without(1)) {
    return fmt::format(
        "no failover would be possible until a new Sentinel takes its identity: {}, and {} would be left",
        RuleOf(election), election.agreeing - 1);
  }
  const std::uint64_t more = election.agreeing - 1 - election.needed();
  return fmt::format(
      "a failover would still be possible: {}, and {} would be left; {}", RuleOf(election),
      election.agreeing - 1,
      more == 0 ? std::string("no further Sentinel may die") : fmt::format("{} more may die", more));
}

std::string IfEverythingDies(const Facts& facts) {
  const auto& found = facts.forecast.cold_start;
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
  if (found.a_backup_begins) rest += kHandsOver;
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
  const auto& found = facts.forecast.cold_start;
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
  if (is_in(found.backups)) return "would follow the new master: its replica-priority is 0";
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
    if (IsBackup(group, master)) node.now += kHandsOver;
  }
  node.outlook = {
      .master_dies =
          facts.forecast.fails_over()
              ? "would follow the new master when it returns; if only its redis-server "
                "dies, its wrapper asks for the failover at once, without down-after"
              : "no failover by Sentinel: unless recovery has promoted a replica, it would be the master "
                "again when it returns with its data",
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
  const auto& succession = facts.forecast.succession;
  const auto obstacle = succession.obstacles.find(replica.endpoint);
  std::string& dies = node.outlook.master_dies;
  if (obstacle != succession.obstacles.end()) {
    dies = "would not be promoted: " + obstacle->second;
  } else if (!facts.forecast.fails_over()) {
    dies = "would stay a replica without a master until recovery promotes one";
  } else if (succession.candidate == &replica) {
    dies = "would most likely be promoted: " + succession.why;
  } else {
    dies = "would follow " + succession.candidate->endpoint.ToAddress();
  }
  node.outlook.sentinel_dies = kNothingChanges;
  node.outlook.everything_dies = ServerIfEverythingDies(facts, replica);
  return node;
}

NodeExplanation ExplainWaiting(const Facts& facts, const WaitingMember& member) {
  NodeExplanation node{.node = member.endpoint, .role = member.hangs ? "hanging" : "waiting"};
  node.outlook.master_dies = "would not be promoted: it does not serve";
  node.outlook.sentinel_dies = kNothingChanges;
  if (member.hangs) {
    node.now = fmt::format("its redis-server runs and has not answered for {} or more",
                           InSeconds(facts.now - member.since));
    node.outlook.everything_dies = "would keep those waiting that have less data than it held";
    return node;
  }
  const bool has_data = member.data_bytes > 0;
  node.now =
      fmt::format("has waited for {}, with {} on its disk; {}", InSeconds(facts.now - member.since),
                  has_data ? InBytes(static_cast<std::int64_t>(member.data_bytes)) : std::string("no data"),
                  HasMaster(facts.group.record) ? facts.group.record.master.ToAddress() + " is recorded"
                                                : "no master is recorded");
  node.outlook.everything_dies = has_data ? "would become the master if its data are the newest"
                                          : "would wait for a node with data and copy it";
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
  const std::uint64_t counted = sentinel::FleetOf(report);
  node.now = report.failover_in_progress ? "runs a failover"
             : report.master_down
                 ? "reports the master as down"
                 : fmt::format("watches the master, and {}", Counted(report.known_replicas, "replica"));
  master_dies = fmt::format(
      "would report it as down after {} of silence, and vote; to lead the failover it needs {} of {} votes",
      InSeconds(report.down_after), VotesToLead(report.quorum, counted), counted);
  sentinel_dies = facts.forecast.election.possible_without(1)
                      ? "if it is this one: the others could fail over"
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
  const Facts facts{topology, group, now, Foresee(group, now)};
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
