#include "redis-wrapper/cold_start.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "redis-wrapper/dataset.h"
#include "redis-wrapper/history.h"

namespace redis_zk::redis_wrapper {

namespace {

using store::Dataset;
using store::History;
using store::KnownDataset;
using store::Member;

// Nodes report about every five seconds, and the master its history every second: who reported this shortly
// before the end was alive at the end.
constexpr std::int64_t kReportedAtTheEnd = 20'000;
// What the stream of writes holds beside them and an append-only file does not, between two notes: of each
// Sentinel a PUBLISH of some 200 bytes every two seconds, and PINGs.
constexpr std::int64_t kHeartbeatBytes = 4096;

std::string Describe(const Dataset& dataset) {
  if (dataset.empty()) return "no data";
  if (dataset.replication_id.empty()) return fmt::format("{} bytes of unknown origin", dataset.bytes);
  return fmt::format("data {} up to {}", dataset.replication_id.substr(0, kLeastIdDigits), dataset.offset);
}

std::string Describe(const Member& member) {
  return fmt::format("{} ({})", member.endpoint.ToAddress(), Describe(member.dataset));
}

bool IsForced(const Member& member, const std::string& force_master) {
  return force_master == member.endpoint.ToAddress() ||
         (force_master.size() >= kLeastIdDigits && member.dataset.replication_id.starts_with(force_master));
}

// The best of those that can begin with their data, of equals the first: nobody can with what a server holds
// that does not answer. Two of different origin: both, in `rival`.
struct Best {
  const Member* best = nullptr;
  const Member* rival = nullptr;
};

Best FindBest(const std::vector<Member>& candidates, const History& history) {
  Best found;
  for (const auto& candidate : candidates) {
    if (candidate.dataset.empty() || candidate.hanging) continue;
    if (found.best == nullptr) {
      found.best = &candidate;
      continue;
    }
    switch (Compare(candidate.dataset, found.best->dataset, history)) {
      case Order::kNewer:
        found.best = &candidate;
        break;
      case Order::kUnrelated:
        found.rival = &candidate;
        break;
      case Order::kOlder:
      case Order::kSame:
        break;
    }
  }
  return found;
}

// What only a person can decide.
Decision Dispute(std::string name, std::string reason) {
  Decision decision = Decision::Wait(std::move(name), std::move(reason));
  decision.disputed = true;
  decision.needs_person = true;
  return decision;
}

Decision ServeAsMaster(std::string reason) {
  return {.action = Decision::Action::kServeAsMaster,
          .needs_lock = true,
          .cold_start = true,
          .reason = std::move(reason)};
}

Decision AwaitDatasets(const View& view, const std::string& why, const std::string& present) {
  const auto& awaited = view.awaited.front();
  Decision decision = Decision::Wait(
      "missing-data",
      fmt::format("{}; of the starting nodes, {}; waiting for {} (COLD_START_WAIT), last reported with {}{}",
                  why, present, awaited.endpoint.ToAddress(), Describe(awaited.dataset),
                  view.awaited.size() > 1 ? fmt::format(", and {} more", view.awaited.size() - 1) : ""));
  decision.awaits_datasets = true;
  return decision;
}

// What is given up by not waiting any longer.
std::string GivenUp(const View& view) {
  if (view.awaited.empty()) return "";
  const auto& awaited = view.awaited.front();
  return fmt::format("; {} with {} did not return within COLD_START_WAIT", awaited.endpoint.ToAddress(),
                     Describe(awaited.dataset));
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
          why, reserve.endpoint.ToAddress(), Describe(reserve.dataset), Describe(view.own),
          view.self.ToAddress()));
}

Decision WaitForReserve(const View& view, const Reserve& reserve, const std::string& why) {
  if (reserve.hangs) return WaitForHanging(view, reserve, why);
  const std::string address = reserve.endpoint.ToAddress();
  const std::string held = reserve.dataset.empty() ? "a part of the data" : Describe(reserve.dataset);
  return Dispute(
      "priority-zero",
      fmt::format(
          "{}; refusing to start: {} is running and holds better data than this node ({}, here {}), and its "
          "replica-priority of 0 forbids its promotion; to make it the master, set its replica-priority to "
          "10 with CONFIG SET; to overwrite its data with those of this node, start this node with "
          "FORCE_MASTER={}",
          why, address, held, Describe(view.own), view.self.ToAddress()));
}

Decision DecideDispute(const View& view, const std::vector<Member>& candidates, const Best& found,
                       const std::string& why) {
  std::vector<Member> meant;
  std::copy_if(candidates.begin(), candidates.end(), std::back_inserter(meant),
               [&view](const auto& candidate) { return IsForced(candidate, view.force_master); });
  // An id may be that of several nodes: the best of them, and this node, which stands first, among equals.
  const Member* forced = FindBest(meant, view.history).best;
  if (forced == nullptr) {
    return Dispute("unrelated-data",
                   fmt::format("{}; refusing to start: {} and {} hold unrelated datasets; set FORCE_MASTER "
                               "on these nodes to the address or replication id of the one to keep, the "
                               "other will be overwritten",
                               why, Describe(*found.best), Describe(*found.rival)));
  }
  if (forced->endpoint != view.self)
    return Decision::Wait("forced-master",
                          fmt::format("{}; FORCE_MASTER={} selects {}; waiting until it serves", why,
                                      view.force_master, Describe(*forced)));
  Decision decision = ServeAsMaster(
      fmt::format("{}; FORCE_MASTER={} selected {}", why, view.force_master, Describe(*forced)));
  decision.forced = true;
  return decision;
}

Decision DecideAmongStarting(const View& view, const std::string& why) {
  // This node first: of equals, whoever holds the lock goes ahead.
  std::vector<Member> candidates{{.endpoint = view.self, .dataset = view.own}};
  candidates.insert(candidates.end(), view.starting.begin(), view.starting.end());
  const Best found = FindBest(candidates, view.history);
  const bool wait = view.patient && !view.awaited.empty();
  if (found.best == nullptr) {
    if (wait) return AwaitDatasets(view, why, "none has data");
    if (view.record.state == store::Record::State::kMaster && !view.all_registered) {
      return Decision::Wait(
          "registrations",
          why + "; no node with data is registered; waiting for those whose ZooKeeper session has expired");
    }
    return ServeAsMaster(fmt::format("{}, and no running node holds data{}", why, GivenUp(view)));
  }
  if (found.rival != nullptr) return DecideDispute(view, candidates, found, why);
  if (wait) return AwaitDatasets(view, why, Describe(*found.best) + " has the best data");
  if (found.best->endpoint != view.self)
    return Decision::Wait(
        "better-data",
        fmt::format("{}; {} is starting with better data than this node ({}); waiting until it serves", why,
                    Describe(*found.best), Describe(view.own)));
  return ServeAsMaster(fmt::format("{}; this node has the best data of the starting nodes, {}{}", why,
                                   Describe(view.own), GivenUp(view)));
}

}  // namespace

Decision DecideColdStart(const View& view, const std::string& why) {
  Decision decision = DecideAmongStarting(view, why);
  // What runs is worth more than what may come back.
  const bool begins = decision.action == Decision::Action::kServeAsMaster;
  if (!begins && !decision.awaits_datasets) return decision;
  const auto reserve = FindBetterReserve(view);
  if (!reserve) return decision;
  if (!IsForced({.endpoint = view.self, .dataset = view.own}, view.force_master))
    return WaitForReserve(view, *reserve, why);
  if (!begins) return decision;
  decision.forced = true;
  decision.reason = fmt::format("{}; FORCE_MASTER={} selected it over the data of {}", decision.reason,
                                view.force_master, reserve->endpoint.ToAddress());
  return decision;
}

std::vector<KnownDataset> FindAwaited(const std::vector<KnownDataset>& known,
                                      const std::vector<Member>& present, const History& history) {
  const Member* best = FindBest(present, history).best;
  std::vector<KnownDataset> awaited;
  for (const auto& candidate : known) {
    const bool is_present = std::any_of(present.begin(), present.end(), [&candidate](const auto& member) {
      return member.node == candidate.node;
    });
    if (is_present || candidate.dataset.empty()) continue;
    // Its disk may hold more than its last report said.
    const bool lived_to_the_end = candidate.reported_at >= history.reported_at - kReportedAtTheEnd;
    const bool better =
        best == nullptr || Compare(candidate.dataset, best->dataset, history) == Order::kNewer;
    if (lived_to_the_end || better) awaited.push_back(candidate);
  }
  return awaited;
}

}  // namespace redis_zk::redis_wrapper
