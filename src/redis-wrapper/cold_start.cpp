#include "redis-wrapper/cold_start.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "redis-wrapper/dataset.h"
#include "redis-wrapper/history.h"
#include "redis-wrapper/starting_nodes.h"

namespace redis_zk::redis_wrapper {

namespace {

using store::Dataset;
using store::kNeverPromoted;
using store::KnownDataset;
using store::Member;

// What the stream of writes holds beside them and an append-only file does not, between two notes: of each
// Sentinel a PUBLISH of some 200 bytes every two seconds, and PINGs.
constexpr std::int64_t kHeartbeatBytes = 4096;
// So many starts that came to nothing are not a matter of a moment.
constexpr std::int64_t kManyEnds = 5;
constexpr const char* kNotInTime = "it did not return within COLD_START_WAIT";

// What only a person can decide. A node that is stopped for that is awaited anew.
Decision Dispute(std::string name, std::string reason) {
  Decision decision = Decision::Wait(std::move(name), std::move(reason));
  decision.disputed = true;
  decision.needs_person = true;
  return decision;
}

// The same, about nodes that will not be stopped for it: none is awaited anew.
Decision Refuse(std::string name, std::string reason) {
  Decision decision = Dispute(std::move(name), std::move(reason));
  decision.awaits_start = true;
  return decision;
}

Decision ServeAsMaster(std::string reason) {
  return {.action = Decision::Action::kServeAsMaster,
          .needs_lock = true,
          .cold_start = true,
          .reason = std::move(reason)};
}

Decision AwaitDatasets(const std::vector<KnownDataset>& missing, const std::string& why,
                       const std::string& present) {
  const auto& awaited = missing.front();
  const std::string starts =
      awaited.failed.tried() ? fmt::format(" ({})", DescribeStarts(awaited.failed)) : "";
  Decision decision = Decision::Wait(
      "missing-data",
      fmt::format(
          "{}; of the starting nodes, {}; waiting for {} (COLD_START_WAIT), last reported with {}, and maybe "
          "with more by now{}{}",
          why, present, awaited.endpoint.ToAddress(), DescribeData(awaited.dataset), starts,
          missing.size() > 1 ? fmt::format(", and {} more", missing.size() - 1) : ""));
  decision.awaits_datasets = true;
  return decision;
}

// What is given up by not waiting any longer.
std::string GivenUp(const Field& field) {
  if (!field.awaited.empty())
    return fmt::format("; {} did not return within COLD_START_WAIT", DescribeData(field.awaited.front()));
  return "";
}

// A server that runs and cannot be promoted, a replica for its priority or one that does not answer; this
// node's data would replace its own.
struct Reserve {
  Endpoint endpoint;
  Dataset dataset;
  bool hangs = false;
};

// `heartbeats`: how much of what the reserve got more than this node's append-only file can be no writes.
bool IsAsGood(const View& view, const Dataset& reserve, std::int64_t heartbeats) {
  const Dataset& own = view.own;
  if (own.empty()) return false;
  if (reserve.empty()) return true;
  switch (Compare(own, reserve, view.history)) {
    case Order::kNewer:
    case Order::kSame:
      return true;
    case Order::kOlder:
      return view.own_append_only && own.replication_id == reserve.replication_id &&
             reserve.offset - own.offset <= heartbeats;
    case Order::kUnrelated:
      return false;
  }
  return false;
}

std::optional<Reserve> FindBetterReserve(const View& view) {
  for (const auto& [endpoint, info] : view.living) {
    if (info.keys == 0 || !IsNeverPromoted(info)) continue;
    const auto found = view.found_by_living.find(endpoint);
    Dataset dataset = HeldBy(info, found == view.found_by_living.end() ? Dataset{} : found->second);
    if (!IsAsGood(view, dataset, kHeartbeatBytes)) return Reserve{endpoint, std::move(dataset)};
  }
  for (const auto& [endpoint, dataset] : view.hanging) {
    // It may have been the master, whose last bytes may be writes.
    if (!dataset.empty() && !IsAsGood(view, dataset, 0)) return Reserve{endpoint, dataset, true};
  }
  return std::nullopt;
}

Decision WaitForHanging(const View& view, const Reserve& reserve, const std::string& why) {
  return Dispute(
      "hanging-member",
      fmt::format(
          "{}; refusing to start: the redis-server at {} runs, does not answer, and may hold better data "
          "than this node ({}, here {}); find out what holds it: a restart of its redis-wrapper keeps only "
          "what is on its disk; to give its data up, start this node with FORCE_MASTER={}",
          why, reserve.endpoint.ToAddress(), DescribeData(reserve.dataset), DescribeData(view.own),
          view.self.ToAddress()));
}

Decision WaitForReserve(const View& view, const Reserve& reserve, const std::string& why) {
  if (reserve.hangs) return WaitForHanging(view, reserve, why);
  const std::string address = reserve.endpoint.ToAddress();
  const std::string held = reserve.dataset.empty() ? "a part of the data" : DescribeData(reserve.dataset);
  return Refuse(
      "priority-zero",
      fmt::format(
          "{}; refusing to start: {} is running and holds better data than this node ({}, here {}), and its "
          "replica-priority of 0 forbids its promotion; to make it the master, set its replica-priority to "
          "10 with CONFIG SET; to overwrite its data with those of this node, start this node with "
          "FORCE_MASTER={}",
          why, address, held, DescribeData(view.own), view.self.ToAddress()));
}

Decision AwaitStart(std::string name, std::string reason) {
  Decision decision = Decision::Wait(std::move(name), std::move(reason));
  decision.awaits_start = true;
  return decision;
}

// Another node is to begin. Where that lasts, a person has to end it.
Decision AwaitForced(const View& view, std::string reason, const std::string& way_out) {
  if (!view.patient) return Refuse("forced-master", fmt::format("{}; {}", reason, way_out));
  Decision decision = Decision::Wait("forced-master", std::move(reason));
  decision.awaits_datasets = true;
  return decision;
}

Decision AwaitNamed(const View& view, const std::string& why) {
  return AwaitForced(
      view,
      fmt::format("{}; FORCE_MASTER={} selects a node that is not registered; waiting until it serves", why,
                  view.force_master),
      "start that node, or remove FORCE_MASTER from every node of the group");
}

// FORCE_MASTER, where it makes a difference. Nothing: it names a server that runs, or gives nothing up.
std::optional<Decision> DecideForced(const View& view, const Field& field, const std::string& why) {
  if (view.force_master.empty()) return std::nullopt;
  std::vector<Member> meant;
  std::copy_if(field.candidates.begin(), field.candidates.end(), std::back_inserter(meant),
               [&view](const auto& candidate) {
                 return IsForced(view, candidate.endpoint, candidate.dataset.replication_id);
               });
  if (meant.empty())
    return NamesRunning(view) || !MayCome(view) ? std::nullopt : std::optional(AwaitNamed(view, why));
  // An id may be that of several nodes: the best of them, and this node, which stands first, among equals.
  const Member* forced = FindBest(meant, view.history).best;
  // An empty node is meant only where no node comes to serve with the group's data.
  const bool nobody_serves = field.none_loads || (field.usable.empty() && !field.tried.empty() &&
                                                  (field.awaited.empty() || !view.patient));
  const bool begins_empty = forced == nullptr && meant.front().endpoint == view.self && nobody_serves;
  if (begins_empty) forced = &meant.front();
  if (forced == nullptr) return std::nullopt;
  const std::string choice =
      fmt::format("FORCE_MASTER={} selects {}", view.force_master, DescribeData(*forced));
  std::string loss = DescribeLoss(view, field, *forced, choice, /*by_force=*/true);
  // Without it, the others would go ahead of data that failed to load.
  if (loss.empty() && !view.failing.contains(forced->node)) return std::nullopt;
  if (forced->endpoint != view.self) {
    std::string reason = fmt::format("{}; {}; waiting until it serves", why, choice);
    const auto start = view.starts.find(forced->node);
    // A load may take long.
    if (start != view.starts.end() && start->second.begun)
      return AwaitStart("forced-master", std::move(reason));
    return AwaitForced(
        view, std::move(reason),
        fmt::format("if {} waits for another node, set FORCE_MASTER={} on every node of the group",
                    forced->endpoint.ToAddress(), view.force_master));
  }
  Decision decision = ServeAsMaster(
      fmt::format("{}; FORCE_MASTER={} selected {}", why, view.force_master, DescribeData(*forced)));
  decision.forced = true;
  decision.given_up = std::move(loss);
  return decision;
}

// Another node that starts goes first.
Decision AwaitFirst(const View& view, const Member& first, const std::string& why) {
  const bool as_good = first.dataset.empty() ||
                       (!view.own.empty() && Compare(first.dataset, view.own, view.history) != Order::kNewer);
  if (as_good) {
    return AwaitStart(
        "better-priority",
        fmt::format("{}; {} is starting, and has the lower replica-priority ({}, here {}); waiting until it "
                    "serves",
                    why, DescribeData(first), first.priority, view.priority));
  }
  const std::string sentence =
      fmt::format("{}; {} is starting with better data than this node ({}); waiting until it serves", why,
                  DescribeData(first), DescribeData(view.own));
  const auto starts = view.starts.find(first.node);
  if (starts == view.starts.end()) return AwaitStart("better-data", sentence);
  Decision decision =
      AwaitStart("better-data", fmt::format("{}; {}", sentence, DescribeStarts(starts->second)));
  if (starts->second.ends < kManyEnds) return decision;
  decision.needs_person = true;
  decision.reason +=
      fmt::format("; {}, or to overwrite these data, set FORCE_MASTER={} on every node of the group",
                  DescribeRepair(starts->second), view.self.ToAddress());
  return decision;
}

Decision AwaitPromotable(const View& view, const std::string& why) {
  Decision decision = Decision::Wait(
      "promotable-node",
      fmt::format(
          "{}; the replica-priority of this node ({}) is 0; waiting for a node that may be the master "
          "(COLD_START_WAIT)",
          why, DescribeData(view.own)));
  decision.awaits_datasets = true;
  return decision;
}

// A node that is here, may be the master, and would copy the data of this one. Nothing: there is none.
std::optional<Endpoint> FindTaker(const View& view, const Field& field, bool with_data) {
  const auto& candidates = with_data ? field.usable : field.candidates;
  const auto taker = std::find_if(candidates.begin(), candidates.end(), [&](const auto& candidate) {
    return candidate.endpoint != view.self && candidate.priority != kNeverPromoted &&
           !view.failing.contains(candidate.node);
  });
  if (taker != candidates.end()) return taker->endpoint;
  if (with_data) return std::nullopt;
  const auto living = std::find_if(view.living.begin(), view.living.end(),
                                   [](const auto& server) { return !IsNeverPromoted(server.second); });
  return living == view.living.end() ? std::nullopt : std::optional(living->first);
}

// Why this node, whose replica-priority is 0 and whose data are the best, begins all the same. Empty: it
// needs the word of a person, or waits for a node that may be the master.
std::string FindPermission(const View& view, const Field& field) {
  // Wherever it is; a wrapper of an older version did not tell whose data the master's were.
  const bool is_recorded =
      view.record.state == store::Record::State::kMaster && view.record.master == view.self;
  const bool was_master = view.history.node.empty() ? is_recorded : view.history.node == view.node;
  if (was_master) return "it was the master";
  if (IsForced(view, view.self, view.own.replication_id)) return "FORCE_MASTER names it";
  auto taker = FindTaker(view, field, /*with_data=*/true);
  // Others may come back with data. Where they do not, an empty one takes over.
  if (!taker && (view.promotable_absent.empty() || !view.patient))
    taker = FindTaker(view, field, /*with_data=*/false);
  if (taker) return fmt::format("it hands over to {} when that has its data", taker->ToAddress());
  if (view.promotable_absent.empty())
    return "of the starting and absent nodes with data, no other may be the master";
  return "";
}

// REQUIRES: there is no permission.
Decision DecideNeverPromoted(const View& view, const std::string& why) {
  if (view.patient) return AwaitPromotable(view, why);
  return Refuse(
      "priority-zero",
      fmt::format("{}; refusing to start: this node alone has the best data ({}), and its replica-priority "
                  "of 0 forbids it to be the master; start a node that may be the master (last seen: {}), or "
                  "start this one with FORCE_MASTER={}",
                  why, DescribeData(view.own), DescribeData(view.promotable_absent.front()),
                  view.self.ToAddress()));
}

// The group's data are there, and no server comes to serve with them.
Decision AwaitRepair(const View& view, const KnownDataset& failing, const std::string& why) {
  const auto& failed = failing.failed;
  return Refuse("data-unloadable",
                fmt::format("{}; refusing to begin empty: the only data of the group are those of {}, and "
                            "{}; {} and start it again; only if they are lost for good, start this node with "
                            "FORCE_MASTER={}",
                            why, DescribeData(failing), DescribeStarts(failed), DescribeRepair(failed),
                            view.self.ToAddress()));
}

// No node that starts has data.
Decision DecideWithoutData(const View& view, const Field& field, const std::string& why) {
  if (view.patient && !field.awaited.empty()) return AwaitDatasets(field.awaited, why, "none has data");
  if (!field.tried.empty()) return AwaitRepair(view, field.tried.front(), why);
  if (view.record.state == store::Record::State::kMaster && !view.all_registered) {
    return Decision::Wait(
        "registrations",
        why + "; no node with data is registered; waiting for those whose ZooKeeper session has expired");
  }
  const Member& first = Prefer(field.candidates, field.candidates.front(), view.history);
  if (first.endpoint != view.self) return AwaitFirst(view, first, why);
  if (view.priority == kNeverPromoted && view.patient) return AwaitPromotable(view, why);
  Decision decision = ServeAsMaster(fmt::format("{}, and no running node holds data{}", why, GivenUp(field)));
  decision.given_up = DescribeLoss(view, field, first, kNotInTime, /*by_force=*/false);
  return decision;
}

Decision RefuseUnrelated(const std::string& why, const std::string& one, const std::string& other) {
  return Dispute("unrelated-data",
                 fmt::format("{}; refusing to start: {} and {} hold unrelated datasets; set FORCE_MASTER on "
                             "these nodes to the address or replication id of the one to keep, the other "
                             "will be overwritten",
                             why, one, other));
}

// Of the data that failed to load, those of another origin than the best: that they are damaged does not make
// the others the group's. Empty: there are none.
std::string FindFailingStranger(const View& view, const Field& field, const Member& best) {
  const auto is_one = [&](const auto& each) {
    return view.failing.contains(each.node) && !each.dataset.empty() &&
           Compare(each.dataset, best.dataset, view.history) == Order::kUnrelated;
  };
  const auto here = std::find_if(field.candidates.begin(), field.candidates.end(), is_one);
  if (here != field.candidates.end()) return DescribeData(*here);
  // Also where they are not awaited: their node is away now and then, as they are repaired.
  const auto away = std::find_if(view.failing.begin(), view.failing.end(),
                                 [&](const auto& each) { return is_one(each.second); });
  return away == view.failing.end() ? "" : DescribeData(away->second);
}

Decision DecideAmongStarting(const View& view, const std::string& why) {
  const Field field = Survey(view);
  if (auto forced = DecideForced(view, field, why)) return std::move(*forced);
  if (field.usable.empty()) return DecideWithoutData(view, field, why);
  const Best found = FindBest(field.usable, view.history);
  if (found.rival != nullptr)
    return RefuseUnrelated(why, DescribeData(*found.best), DescribeData(*found.rival));
  if (const auto stranger = FindFailingStranger(view, field, *found.best); !stranger.empty())
    return RefuseUnrelated(why, DescribeData(*found.best), stranger);
  const Member& first = Prefer(field.usable, *found.best, view.history);
  if (view.patient && !field.awaited.empty())
    return AwaitDatasets(field.awaited, why, DescribeData(first) + " has the best data");
  if (field.none_loads && view.own.empty()) return AwaitRepair(view, view.failing.at(first.node), why);
  if (first.endpoint != view.self) return AwaitFirst(view, first, why);
  std::string permission;
  if (view.priority == kNeverPromoted) {
    permission = FindPermission(view, field);
    if (permission.empty()) return DecideNeverPromoted(view, why);
    permission = "; its replica-priority is 0, but " + permission;
  }
  Decision decision =
      ServeAsMaster(fmt::format("{}; this node has the best data of the starting nodes, {}{}{}", why,
                                DescribeData(view.own), GivenUp(field), permission));
  decision.given_up = DescribeLoss(view, field, first, kNotInTime, /*by_force=*/false);
  return decision;
}

}  // namespace

Decision DecideColdStart(const View& view, const std::string& why) {
  Decision decision = DecideAmongStarting(view, why);
  // What runs is worth more than what may come back, or what a person may bring back.
  const bool begins = decision.action == Decision::Action::kServeAsMaster;
  const bool about_the_absent = decision.awaits_datasets || (decision.needs_person && decision.awaits_start);
  if (!begins && !about_the_absent) return decision;
  const auto reserve = FindBetterReserve(view);
  if (!reserve) return decision;
  if (!IsForced(view, view.self, view.own.replication_id))
    return decision.wait == "forced-master" ? decision : WaitForReserve(view, *reserve, why);
  if (!begins) return decision;
  decision.forced = true;
  decision.reason = fmt::format("{}; FORCE_MASTER={} selected it over the data of {}", decision.reason,
                                view.force_master, reserve->endpoint.ToAddress());
  decision.given_up +=
      fmt::format("{}data given up: those of the {} {}: {}", decision.given_up.empty() ? "" : "; ",
                  reserve->hangs ? "hanging server" : "running replica",
                  DescribeData(reserve->endpoint, reserve->dataset), decision.reason);
  return decision;
}

}  // namespace redis_zk::redis_wrapper
