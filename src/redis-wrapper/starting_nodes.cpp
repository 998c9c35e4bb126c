#include "redis-wrapper/starting_nodes.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "redis-wrapper/history.h"

namespace redis_zk::redis_wrapper {

namespace {

using store::Dataset;
using store::History;
using store::kNeverPromoted;
using store::KnownDataset;
using store::Member;

// Nodes report about every twenty seconds, and the master its history as often: who reported this shortly
// before the end was alive at the end.
constexpr std::int64_t kReportedAtTheEnd = 40'000;

// What is overwritten when another node begins.
class Loss {
 public:
  // `failed`: of data that cannot be loaded; nullptr: they may be intact.
  void Add(const Endpoint& node, const Dataset& dataset, const std::string& why,
           const store::FailedLoads* failed) {
    told_ += fmt::format("{}{}: {}", told_.empty() ? "" : "; ", DescribeData(node, dataset), why);
    const bool proved = failed != nullptr && failed->cause != redis::LoadCause::kUnknown;
    if (proved && way_out_.empty()) {
      way_out_ = fmt::format(
          "; to serve them instead, stop all nodes of the group, {}, and start the nodes with "
          "FORCE_MASTER={}",
          DescribeRepair(*failed), node.ToAddress());
    }
  }
  // With the way out; empty: nothing.
  std::string Sentence() const {
    if (told_.empty()) return "";
    return fmt::format(
        "data given up: {}; if you want these data, save the data directory of each such node before its "
        "redis-wrapper starts, because the copy of the new master replaces them{}",
        told_, way_out_);
  }

 private:
  std::string told_;
  std::string way_out_;
};

bool IsAmong(const std::string& node, const std::vector<Member>& members) {
  return std::any_of(members.begin(), members.end(),
                     [&node](const auto& member) { return member.node == node; });
}

// 0 is the last.
std::int64_t RankOf(const Member& member) {
  return member.priority == kNeverPromoted ? std::numeric_limits<std::int64_t>::max() : member.priority;
}

}  // namespace

std::string DescribeData(const Dataset& dataset) {
  if (dataset.empty()) return "no data";
  if (dataset.replication_id.empty()) return fmt::format("{} bytes of unknown origin", dataset.bytes);
  return fmt::format("data {} up to {}", dataset.replication_id.substr(0, kLeastIdDigits), dataset.offset);
}

std::string DescribeData(const Endpoint& node, const Dataset& dataset) {
  return fmt::format("{} ({})", node.ToAddress(), DescribeData(dataset));
}

std::string DescribeData(const Member& member) { return DescribeData(member.endpoint, member.dataset); }

std::string DescribeData(const KnownDataset& known) { return DescribeData(known.endpoint, known.dataset); }

std::string DescribeStarts(const store::FailedLoads& failed) {
  const std::string unknown =
      failed.begun ? "its server began to load them, and how that ended is unknown" : "";
  if (failed.count > 0) {
    return fmt::format("its server failed to load them {}, last exit code {}{}{}",
                       failed.count == 1 ? "once" : fmt::format("{} times", failed.count), failed.last_exit,
                       unknown.empty() ? "" : "; ", unknown);
  }
  return unknown.empty()
             ? fmt::format("its server did not come to serve them{}, last exit code {}",
                           failed.ends > 1 ? fmt::format(" in {} starts", failed.ends) : "", failed.last_exit)
             : unknown;
}

std::string DescribeRepair(const store::FailedLoads& failed) {
  switch (failed.cause) {
    case redis::LoadCause::kDamaged:
      return "repair its files (redis-check-aof --fix, redis-check-rdb)";
    case redis::LoadCause::kNewerFormat:
      return "give it a server of the version that wrote its files";
    case redis::LoadCause::kUnknown:
    case redis::LoadCause::kElsewhere:
      break;
  }
  return "remove what its log names as the reason";
}

bool IsForced(const View& view, const Endpoint& endpoint, const std::string& replication_id) {
  return view.force_master == endpoint.ToAddress() ||
         (view.force_master.size() >= kLeastIdDigits && replication_id.starts_with(view.force_master));
}

bool NamesRunning(const View& view) {
  const auto is_forced = [&view](const auto& each) {
    return IsForced(view, each.first, each.second.replication_id);
  };
  return std::any_of(view.living.begin(), view.living.end(), is_forced) ||
         std::any_of(view.hanging.begin(), view.hanging.end(), is_forced);
}

bool MayCome(const View& view) {
  if (view.force_master.find(':') != std::string::npos) return true;
  const auto is_forced = [&view](const KnownDataset& known) {
    return IsForced(view, known.endpoint, known.dataset.replication_id);
  };
  return std::any_of(view.awaited.begin(), view.awaited.end(), is_forced) ||
         std::any_of(view.promotable_absent.begin(), view.promotable_absent.end(), is_forced) ||
         std::any_of(view.failing.begin(), view.failing.end(),
                     [&](const auto& each) { return is_forced(each.second); });
}

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

Field Survey(const View& view) {
  Field field;
  field.candidates = {
      {.endpoint = view.self, .node = view.node, .dataset = view.own, .priority = view.priority}};
  field.candidates.insert(field.candidates.end(), view.starting.begin(), view.starting.end());
  std::vector<Member> failing;
  for (const auto& candidate : field.candidates) {
    if (candidate.dataset.empty()) continue;
    (view.failing.contains(candidate.node) ? failing : field.usable).push_back(candidate);
  }
  field.none_loads = field.usable.empty() && !failing.empty();
  if (field.none_loads) field.usable = std::move(failing);
  for (const auto& known : view.awaited) {
    const bool given_up = view.failing.contains(known.node);
    if (!given_up) field.awaited.push_back(known);
    if (given_up || known.failed.tried()) field.tried.push_back(known);
  }
  return field;
}

const Member& Prefer(const std::vector<Member>& candidates, const Member& best, const History& history) {
  const Member* first = &best;
  for (const auto& candidate : candidates) {
    const bool is_equal = candidate.dataset.empty() || best.dataset.empty()
                              ? candidate.dataset.empty() == best.dataset.empty()
                              : Compare(candidate.dataset, best.dataset, history) == Order::kSame;
    if (is_equal && RankOf(candidate) < RankOf(*first)) first = &candidate;
  }
  return *first;
}

std::string DescribeLoss(const View& view, const Field& field, const Member& chosen, const std::string& why,
                         bool by_force) {
  Loss loss;
  const auto lacks = [&](const Dataset& dataset) {
    if (chosen.dataset.empty() || dataset.empty()) return !dataset.empty();
    const Order order = Compare(dataset, chosen.dataset, view.history);
    return order == Order::kNewer || order == Order::kUnrelated;
  };
  const auto add = [&](const std::string& node, const Endpoint& endpoint, const Dataset& dataset,
                       const store::FailedLoads* tried) {
    const auto failing = view.failing.find(node);
    const bool given_up = failing != view.failing.end();
    if (given_up) {
      loss.Add(endpoint, dataset, DescribeStarts(failing->second.failed), &failing->second.failed);
    } else {
      loss.Add(endpoint, dataset, tried ? fmt::format("{}; {}", why, DescribeStarts(*tried)) : why, nullptr);
    }
  };
  for (const auto& candidate : field.candidates) {
    if (candidate.endpoint == chosen.endpoint || !lacks(candidate.dataset)) continue;
    if (by_force || view.failing.contains(candidate.node))
      add(candidate.node, candidate.endpoint, candidate.dataset, nullptr);
  }
  for (const auto& known : view.awaited) {
    if (by_force || lacks(known.dataset))
      add(known.node, known.endpoint, known.dataset, known.failed.tried() ? &known.failed : nullptr);
  }
  // Those are not awaited where they are worse.
  for (const auto& [node, known] : view.failing) {
    const bool is_told = IsAmong(node, field.candidates) ||
                         std::any_of(view.awaited.begin(), view.awaited.end(),
                                     [&name = node](const auto& each) { return each.node == name; });
    if (!is_told && lacks(known.dataset)) add(node, known.endpoint, known.dataset, nullptr);
  }
  return loss.Sentence();
}

std::vector<KnownDataset> FindAwaited(const std::vector<KnownDataset>& known,
                                      const std::vector<Member>& present, const History& history) {
  std::vector<Member> loadable;
  std::copy_if(present.begin(), present.end(), std::back_inserter(loadable), [&known](const auto& member) {
    return std::none_of(known.begin(), known.end(), [&member](const auto& each) {
      return each.node == member.node && IsGivenUp(each.failed);
    });
  });
  const Member* best = FindBest(loadable, history).best;
  std::vector<KnownDataset> awaited;
  for (const auto& candidate : known) {
    if (IsAmong(candidate.node, present) || candidate.dataset.empty()) continue;
    // Its disk may hold more than its last report said; unless that was of a start that came to nothing.
    const auto& failed = candidate.failed;
    const bool is_exact = failed.tried() && !failed.begun && failed.files != 0;
    const bool lived_to_the_end =
        !is_exact && candidate.reported_at >= history.reported_at - kReportedAtTheEnd;
    const bool better =
        best == nullptr || Compare(candidate.dataset, best->dataset, history) == Order::kNewer;
    if (lived_to_the_end || better) awaited.push_back(candidate);
  }
  return awaited;
}

std::vector<KnownDataset> FindPromotableAbsent(const std::vector<KnownDataset>& known,
                                               const std::vector<Member>& present) {
  std::vector<KnownDataset> absent;
  std::copy_if(known.begin(), known.end(), std::back_inserter(absent), [&present](const auto& each) {
    return !each.dataset.empty() && each.priority != kNeverPromoted && !IsGivenUp(each.failed) &&
           !IsAmong(each.node, present);
  });
  return absent;
}

}  // namespace redis_zk::redis_wrapper
