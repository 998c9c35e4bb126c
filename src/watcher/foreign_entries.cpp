#include "watcher/foreign_entries.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "store/ownership.h"
#include "store/sentinel_id.h"

namespace redis_zk::watcher {

namespace {

// As Redis begins it for a command that it does not have; a Sentinel has SENTINEL.
constexpr std::string_view kUnknownCommand = "ERR unknown command";

// Whether the server there is known not to be of the group.
bool IsStranger(const CleanUpView& view, const Endpoint& endpoint) {
  const auto found = view.unregistered.find(endpoint);
  return found != view.unregistered.end() && view.marks && !IsMember(view, endpoint) &&
         !store::BelongsToGroup(found->second, *view.marks);
}

// Whether the server there, which says nothing without a password, is a master by what it tells Sentinels
// that know one. A replica may be an original's: Sentinels still have to point it at the group's master.
bool IsStrayMaster(const CleanUpView& view, const Endpoint& endpoint) {
  if (!view.marks || view.marks->history.replication_id.empty() || !view.refusing.contains(endpoint))
    return false;
  for (const auto& sentinel_view : view.sentinel_views) {
    for (const auto& replica : sentinel_view.known.replicas) {
      if (replica.endpoint == endpoint && replica.acts_as_master) return true;
    }
  }
  return false;
}

}  // namespace

std::set<Endpoint> FindUnregistered(const CleanUpView& view, bool up) {
  std::set<Endpoint> unregistered;
  for (const auto& sentinel_view : view.sentinel_views) {
    for (const auto& replica : sentinel_view.known.replicas) {
      if (!(up && replica.down) && !IsMember(view, replica.endpoint)) unregistered.insert(replica.endpoint);
    }
  }
  return unregistered;
}

std::optional<LookTurns::Strange> FindStrange(const CleanUpView& view) {
  std::set<std::string> strange;
  for (const auto& sentinel_view : view.sentinel_views) {
    for (const auto& replica : sentinel_view.known.replicas) {
      const Endpoint& endpoint = replica.endpoint;
      if (view.foreign.contains(endpoint)) {
        strange.insert(endpoint.ToAddress() + " is another server's");
      } else if (replica.down) {
        strange.insert(endpoint.ToAddress() + " is down");
      } else if (!IsMember(view, endpoint) &&
                 (!view.unregistered.contains(endpoint) || IsStranger(view, endpoint))) {
        strange.insert(endpoint.ToAddress() + " is not known");
      }
    }
  }
  if (strange.empty()) return std::nullopt;
  return LookTurns::Strange{fmt::format("{}", fmt::join(strange, ", ")), !view.foreign.empty()};
}

std::map<std::string, LookTurns::Strange> FindStrange(
    const FleetStatus& observed, const std::map<std::string, std::vector<store::Member>>& members) {
  std::map<Endpoint, std::set<std::string>> groups_at;
  for (const auto& [group, of_group] : members) {
    for (const auto& member : of_group) groups_at[member.endpoint].insert(group);
  }
  std::map<std::string, LookTurns::Strange> all;
  for (const auto& [group, status] : observed.groups) {
    std::set<std::string> strange;
    bool urgent = false;
    for (const auto& sentinel : status.sentinels) {
      for (const auto& replica : sentinel.replicas) {
        const auto found = groups_at.find(replica.endpoint);
        const bool elsewhere = found != groups_at.end() && !found->second.contains(group);
        if (!elsewhere && (found != groups_at.end() || replica.down)) continue;
        urgent |= elsewhere;
        strange.insert(replica.endpoint.ToAddress() +
                       (elsewhere ? " is registered in " + *found->second.begin() : " is not registered"));
      }
    }
    if (!strange.empty()) all[group] = {fmt::format("{}", fmt::join(strange, ", ")), urgent};
  }
  return all;
}

std::set<Endpoint> FindUnregisteredMasters(const CleanUpView& view) {
  std::set<Endpoint> masters;
  for (const auto& [endpoint, info] : view.unregistered) {
    if (info.role == redis::Role::kReplica && !IsMember(view, info.master) &&
        !view.unregistered.contains(info.master))
      masters.insert(info.master);
  }
  return masters;
}

std::vector<sentinel::PeerReport> FindUnregisteredPeers(const CleanUpView& view) {
  std::map<std::string, sentinel::PeerReport> unregistered;
  for (const auto& sentinel_view : view.sentinel_views) {
    for (const auto& peer : sentinel_view.known.peers) {
      if (!peer.down && !IsAccountedFor(view, peer)) unregistered.emplace(peer.id, peer);
    }
  }
  std::vector<sentinel::PeerReport> peers;
  for (auto& [id, peer] : unregistered) peers.push_back(std::move(peer));
  return peers;
}

bool IsImpostor(const std::string& id, const redis::Reply& reply) {
  if (reply.is_error()) return reply.text.starts_with(kUnknownCommand);
  return reply.type == redis::Reply::Type::kText && reply.text != id;
}

std::set<Endpoint> FindForeign(const CleanUpView& view, TimePoint now, CleanUpMemory* memory) {
  std::set<Endpoint> foreign;
  std::set<Endpoint> strangers;
  for (const auto& endpoint : FindUnregistered(view, /*up=*/false)) {
    if (view.elsewhere.contains(endpoint) || IsStrayMaster(view, endpoint)) {
      foreign.insert(endpoint);
    } else if (IsStranger(view, endpoint)) {
      strangers.insert(endpoint);
      const TimePoint since = memory->strangers_since.try_emplace({view.group, endpoint}, now).first->second;
      const auto& info = view.unregistered.at(endpoint);
      if (info.role == redis::Role::kMaster || IsStranger(view, info.master) ||
          now >= since + kBecomesKnownWithin)
        foreign.insert(endpoint);
    }
  }
  std::erase_if(memory->strangers_since, [&](const auto& entry) {
    return entry.first.first == view.group && !strangers.contains(entry.first.second);
  });
  return foreign;
}

}  // namespace redis_zk::watcher
