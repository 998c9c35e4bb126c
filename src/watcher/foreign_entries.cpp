#include "watcher/foreign_entries.h"

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

bool HasUnknown(const CleanUpView& view) {
  const auto is_unknown = [&view](const sentinel::ReplicaReport& replica) {
    if (replica.down) return true;
    if (IsMember(view, replica.endpoint)) return false;
    return !view.unregistered.contains(replica.endpoint) || IsStranger(view, replica.endpoint);
  };
  return std::any_of(view.sentinel_views.begin(), view.sentinel_views.end(),
                     [&is_unknown](const auto& sentinel_view) {
                       const auto& replicas = sentinel_view.known.replicas;
                       return std::any_of(replicas.begin(), replicas.end(), is_unknown);
                     });
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
    if (view.elsewhere.contains(endpoint)) {
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
