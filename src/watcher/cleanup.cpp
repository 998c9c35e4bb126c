#include "watcher/cleanup.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>
#include <utility>

#include "store/sentinel_id.h"

namespace redis_zk::watcher {

namespace {

using Kind = CleanUpAction::Kind;
using Sighting = CleanUpMemory::Sighting;

// A stale entry that was made forgotten and is counted again came back by itself, and would again. Until it
// has been seen alive, or for this long, it is left alone.
constexpr Duration kLeftAlone = 24h;

CleanUpAction Say(Kind kind, std::string reason) { return {.kind = kind, .reason = std::move(reason)}; }

// The next Sentinel to make forget, as if the group were fit for it.
CleanUpAction FindStaleEntryChore(const CleanUpView& view, const CleanUpMemory& memory, Duration patience,
                                  TimePoint now) {
  CleanUpAction otherwise = Say(Kind::kNothing, "no Sentinel lists a stale entry");
  for (const auto& sentinel_view : view.sentinel_views) {
    const std::string name = "Sentinel " + sentinel_view.sentinel.endpoint.ToAddress();
    const auto stale_entries = FindStaleEntries(view, sentinel_view);
    if (stale_entries.empty()) continue;
    CleanUpAction reset{
        .kind = Kind::kReset,
        .reason = fmt::format("SENTINEL RESET of {}, which lists the stale {}", name, Join(stale_entries)),
        .sentinel = sentinel_view.sentinel};
    bool may_return = false;
    bool fresh = false;
    for (const auto& stale_entry : stale_entries) {
      const Sighting sighting{view.group, sentinel_view.sentinel.uuid, stale_entry.name};
      const auto since = memory.stale_since.find(sighting);
      may_return |=
          !stale_entry.foreign && (since == memory.stale_since.end() || now < since->second + patience);
      fresh |= !memory.forgotten_at.contains(sighting);
      reset.stale_entries.push_back(stale_entry.name);
    }
    if (!fresh) {
      otherwise =
          Say(Kind::kRefuse, fmt::format("{} lists the stale {} again after SENTINEL RESET; skipped for "
                                         "{} h after that RESET",
                                         name, Join(stale_entries), kLeftAlone / 1h));
    } else if (may_return) {
      otherwise = Say(Kind::kWait, fmt::format("{} lists {}, which may return", name, Join(stale_entries)));
    } else {
      return reset;
    }
  }
  return otherwise;
}

std::optional<CleanUpAction> FindIdentityChore(const CleanUpView& view, const CleanUpMemory& memory,
                                               Duration patience, TimePoint now) {
  for (const auto& identity : view.identities) {
    const auto since = memory.identities_free_since.find(identity.uuid);
    if (identity.taken || since == memory.identities_free_since.end() || now < since->second + patience)
      continue;
    if (IsKnown(view, store::SentinelIdOf(identity.uuid))) continue;
    return CleanUpAction{
        .kind = Kind::kRemoveIdentity,
        .reason = fmt::format("removal of identity {}, last used by {}: it is free and no Sentinel knows it",
                              identity.uuid, identity.endpoint.ToAddress()),
        .entry = identity.uuid};
  }
  return std::nullopt;
}

std::optional<CleanUpAction> FindDatasetChore(const CleanUpView& view) {
  for (const auto& known : view.datasets) {
    if (IsAlive(view, known.node)) continue;
    if (view.zookeeper_time == 0 || view.zookeeper_time - known.reported_at <= kForgetDataAfter.count())
      continue;
    return CleanUpAction{.kind = Kind::kForgetDataset,
                         .reason = fmt::format("removal of the dataset metadata of node {}, last at {}: "
                                               "not reported for more than {} h",
                                               known.node, known.endpoint.ToAddress(), kForgetDataAfter / 1h),
                         .entry = known.node};
  }
  return std::nullopt;
}

CleanUpAction FindChore(const CleanUpView& view, const CleanUpMemory& memory, Duration patience,
                        TimePoint now) {
  auto chore = FindStaleEntryChore(view, memory, patience, now);
  if (chore.kind == Kind::kReset) return chore;
  if (auto identity = FindIdentityChore(view, memory, patience, now)) return *identity;
  if (auto dataset = FindDatasetChore(view)) return *dataset;
  return chore;
}

CleanUpAction Verify(const CleanUpView& view, const CleanUpMemory::Verification& verifying, TimePoint now) {
  if (verifying.group != view.group)
    return Say(Kind::kNothing, "the clean-up of another group is being verified");
  const std::string name = "Sentinel " + verifying.sentinel.endpoint.ToAddress();
  const auto is_it = [&verifying](const auto& sentinel) { return sentinel.uuid == verifying.sentinel.uuid; };
  if (std::none_of(view.sentinels.begin(), view.sentinels.end(), is_it))
    return Say(Kind::kGiveUp, name + " is no longer registered after SENTINEL RESET");
  if (const auto dispute = FindDispute(view))
    return Say(Kind::kGiveUp, fmt::format("after SENTINEL RESET of {}, {}", name, *dispute));
  if (!view.servers) return Say(Kind::kAskServers, "the servers have to be asked");
  const auto sentinel_view =
      std::find_if(view.sentinel_views.begin(), view.sentinel_views.end(),
                   [&is_it](const auto& candidate) { return is_it(candidate.sentinel); });
  std::optional<std::string> missing = FindSickServer(view);
  if (!missing && sentinel_view == view.sentinel_views.end()) missing = name + " does not answer";
  if (!missing) {
    if (const auto unknown = FindMissing(view, *sentinel_view))
      missing = fmt::format("{} has not found {} again", name, *unknown);
  }
  if (!missing) {
    return Say(Kind::kVerified,
               fmt::format("{} has found all others again (Sentinels: {}, replicas: {})", name,
                           sentinel_view->known.peers.size(), sentinel_view->known.replicas.size()));
  }
  if (now < verifying.deadline) return Say(Kind::kWait, *missing);
  return Say(Kind::kGiveUp, fmt::format("{} {} s after SENTINEL RESET", *missing, kFindAgainWithin / 1s));
}

}  // namespace

void Remember(const CleanUpView& view, TimePoint now, CleanUpMemory* memory) {
  const auto is_over = [&](const Sighting& sighting) {
    return std::none_of(view.sentinels.begin(), view.sentinels.end(),
                        [&](const auto& sentinel) { return sentinel.uuid == sighting.sentinel; });
  };
  std::erase_if(memory->stale_since, [&](const auto& entry) { return is_over(entry.first); });
  std::erase_if(memory->forgotten_at,
                [&](const auto& entry) { return is_over(entry.first) || now >= entry.second + kLeftAlone; });
  for (const auto& sentinel_view : view.sentinel_views) {
    std::set<std::string> names;
    for (const auto& stale_entry : FindStaleEntries(view, sentinel_view)) {
      memory->stale_since.emplace(Sighting{view.group, sentinel_view.sentinel.uuid, stale_entry.name}, now);
      names.insert(stale_entry.name);
    }
    const auto is_its = [&](const Sighting& sighting) {
      return sighting.group == view.group && sighting.sentinel == sentinel_view.sentinel.uuid;
    };
    std::erase_if(memory->stale_since, [&](const auto& entry) {
      return is_its(entry.first) && !names.contains(entry.first.stale_entry);
    });
    std::erase_if(memory->forgotten_at, [&](const auto& entry) {
      return is_its(entry.first) && !names.contains(entry.first.stale_entry) &&
             IsSeenAlive(sentinel_view, entry.first.stale_entry);
    });
  }
  std::map<std::string, TimePoint> free_since;
  for (const auto& identity : view.identities) {
    if (identity.taken) continue;
    const auto before = memory->identities_free_since.find(identity.uuid);
    free_since.emplace(identity.uuid, before == memory->identities_free_since.end() ? now : before->second);
  }
  memory->identities_free_since = std::move(free_since);
}

void ForgetGroups(const std::map<std::string, store::Record>& groups, CleanUpMemory* memory) {
  std::erase_if(memory->stale_since,
                [&groups](const auto& entry) { return !groups.contains(entry.first.group); });
  std::erase_if(memory->strangers_since,
                [&groups](const auto& entry) { return !groups.contains(entry.first.first); });
}

CleanUpAction DecideCleanUp(const CleanUpView& view, const CleanUpMemory& memory, Duration patience,
                            TimePoint now) {
  if (!view.connected) return Say(Kind::kNothing, "ZooKeeper is unreachable");
  if (!view.may_act) return Say(Kind::kNothing, "another watcher holds the clean-up lock");
  if (memory.verifying) return Verify(view, *memory.verifying, now);
  if (view.sentinel_views.empty()) return Say(Kind::kNothing, "no Sentinel that answers knows the group");
  CleanUpAction chore = FindChore(view, memory, patience, now);
  if (chore.kind != Kind::kReset && chore.kind != Kind::kRemoveIdentity && chore.kind != Kind::kForgetDataset)
    return chore;
  std::optional<std::string> obstacle;
  if (now < memory.paused_until)
    obstacle = fmt::format("the last SENTINEL RESET could not be verified less than {} min ago",
                           kPauseAfterFailedVerification / 1min);
  if (!obstacle) obstacle = FindDispute(view);
  // What it does not tell may count an identity; for a RESET, FindRisk sees who can stand in.
  if (!obstacle && !view.silent.empty() && chore.kind != Kind::kReset) {
    obstacle = fmt::format("Sentinel {} is registered but does not answer",
                           view.silent.front().endpoint.ToAddress());
  }
  if (!obstacle && !view.servers) return Say(Kind::kAskServers, "the servers have to be asked");
  if (!obstacle) obstacle = FindSickServer(view);
  if (!obstacle && chore.kind == Kind::kReset) obstacle = FindRisk(view, chore.sentinel);
  if (obstacle) return Say(Kind::kRefuse, fmt::format("{}; pending: {}", *obstacle, chore.reason));
  return chore;
}

void Note(const std::string& group, const CleanUpAction& action, TimePoint now, CleanUpMemory* memory) {
  if (action.kind == Kind::kReset) {
    for (const auto& stale_entry : action.stale_entries)
      memory->forgotten_at[{group, action.sentinel.uuid, stale_entry}] = now;
    memory->verifying = {group, action.sentinel, now + kFindAgainWithin};
  } else if (action.kind == Kind::kVerified) {
    memory->verifying.reset();
  } else if (action.kind == Kind::kGiveUp) {
    memory->verifying.reset();
    memory->paused_until = now + kPauseAfterFailedVerification;
  }
}

}  // namespace redis_zk::watcher
