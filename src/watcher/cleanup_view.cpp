#include "watcher/cleanup_view.h"

#include <fmt/core.h>

#include <algorithm>

#include "store/sentinel_id.h"

namespace redis_zk::watcher {

namespace {

bool Is(const sentinel::PeerReport& peer, const store::Sentinel& sentinel) {
  // The id is what Sentinels know each other by, unless it was not us who launched this one.
  return peer.id == store::SentinelIdOf(sentinel.uuid) || peer.endpoint == sentinel.endpoint;
}

const redis::ServerInfo* FindServer(const CleanUpView& view, const Endpoint& endpoint) {
  if (!view.servers) return nullptr;
  const auto found = view.servers->find(endpoint);
  return found == view.servers->end() ? nullptr : &found->second;
}

const redis::ReplicaOf* FindAttached(const CleanUpView& view, const Endpoint& replica) {
  const auto* master = FindServer(view, view.record.master);
  if (master == nullptr) return nullptr;
  const auto found = std::find_if(master->replicas.begin(), master->replicas.end(),
                                  [&replica](const auto& attached) { return attached.endpoint == replica; });
  return found == master->replicas.end() ? nullptr : &*found;
}

bool IsStale(const CleanUpView& view, const sentinel::PeerReport& peer) {
  return (peer.down || view.impostors.contains(peer.id)) && !IsAccountedFor(view, peer);
}

bool IsStale(const CleanUpView& view, const sentinel::ReplicaReport& replica) {
  // While the master lists it, a RESET would only make its Sentinel find it again.
  return (replica.down || view.foreign.contains(replica.endpoint)) && !IsMember(view, replica.endpoint) &&
         FindAttached(view, replica.endpoint) == nullptr;
}

}  // namespace

std::vector<StaleEntry> FindStaleEntries(const CleanUpView& view, const SentinelView& sentinel_view) {
  std::vector<StaleEntry> stale_entries;
  for (const auto& peer : sentinel_view.known.peers) {
    if (IsStale(view, peer)) stale_entries.push_back({peer.id, "Sentinel " + peer.endpoint.ToAddress()});
  }
  for (const auto& replica : sentinel_view.known.replicas) {
    if (!IsStale(view, replica)) continue;
    const std::string address = replica.endpoint.ToAddress();
    const bool foreign = view.foreign.contains(replica.endpoint);
    stale_entries.push_back(
        {address, fmt::format("replica {}{}", address, foreign ? " (now not of this group)" : ""), foreign});
  }
  // Sentinel lists them in no order.
  std::sort(stale_entries.begin(), stale_entries.end(),
            [](const auto& a, const auto& b) { return a.shown < b.shown; });
  return stale_entries;
}

std::string Join(const std::vector<StaleEntry>& stale_entries) {
  std::string text;
  for (const auto& stale_entry : stale_entries) text += (text.empty() ? "" : ", ") + stale_entry.shown;
  return text;
}

bool IsMember(const CleanUpView& view, const Endpoint& endpoint) {
  return std::any_of(view.members.begin(), view.members.end(),
                     [&endpoint](const auto& member) { return member.endpoint == endpoint; });
}

bool IsAlive(const CleanUpView& view, const std::string& node) {
  return std::any_of(view.members.begin(), view.members.end(),
                     [&node](const auto& member) { return member.node == node; });
}

bool IsAccountedFor(const CleanUpView& view, const sentinel::PeerReport& peer) {
  const auto is_peer = [&peer](const auto& sentinel) { return Is(peer, sentinel); };
  // A Sentinel that takes an identity registers a moment later.
  const auto holds = [&peer](const auto& identity) {
    return identity.taken && peer.id == store::SentinelIdOf(identity.uuid);
  };
  return std::any_of(view.sentinels.begin(), view.sentinels.end(), is_peer) ||
         std::any_of(view.identities.begin(), view.identities.end(), holds);
}

bool IsSeenAlive(const SentinelView& sentinel_view, const std::string& stale_entry) {
  return std::any_of(sentinel_view.known.peers.begin(), sentinel_view.known.peers.end(),
                     [&stale_entry](const auto& peer) { return peer.id == stale_entry && !peer.down; }) ||
         std::any_of(sentinel_view.known.replicas.begin(), sentinel_view.known.replicas.end(),
                     [&stale_entry](const auto& replica) {
                       return replica.endpoint.ToAddress() == stale_entry && !replica.down;
                     });
}

bool IsKnown(const CleanUpView& view, const std::string& id) {
  const auto is_registered = [&id](const auto& sentinel) { return store::SentinelIdOf(sentinel.uuid) == id; };
  const auto is_peer = [&id](const auto& peer) { return peer.id == id; };
  return std::any_of(view.sentinels.begin(), view.sentinels.end(), is_registered) ||
         std::any_of(view.sentinel_views.begin(), view.sentinel_views.end(),
                     [&is_peer](const auto& sentinel_view) {
                       const auto& peers = sentinel_view.known.peers;
                       return std::any_of(peers.begin(), peers.end(), is_peer);
                     }) ||
         !view.known_elsewhere || view.known_elsewhere->contains(id);
}

std::optional<std::string> FindDispute(const CleanUpView& view) {
  if (view.record.state != store::Record::State::kMaster) return "no master is recorded";
  for (const auto& [sentinel, report, known] : view.sentinel_views) {
    const std::string name = "Sentinel " + sentinel.endpoint.ToAddress();
    if (report.master_down) return name + " reports the master as down";
    if (report.failover_in_progress) return name + " reports a failover in progress";
    if (report.master != view.record.master) {
      return fmt::format("{} names {}, not the recorded master {}", name, report.master.ToAddress(),
                         view.record.master.ToAddress());
    }
    if (report.config_epoch != view.sentinel_views.front().report.config_epoch)
      return name + " reports another config epoch than the other Sentinels";
  }
  return std::nullopt;
}

std::optional<std::string> FindSickServer(const CleanUpView& view) {
  const Endpoint& recorded = view.record.master;
  const auto* master = FindServer(view, recorded);
  if (master == nullptr) return fmt::format("the recorded master {} does not answer", recorded.ToAddress());
  if (master->role != redis::Role::kMaster || master->loading)
    return fmt::format("the recorded master {} does not act as a master", recorded.ToAddress());
  for (const auto& member : view.members) {
    if (!member.serving || member.endpoint == recorded) continue;
    const std::string name = "replica " + member.endpoint.ToAddress();
    const auto* replica = FindServer(view, member.endpoint);
    if (replica == nullptr) return name + " is registered but does not answer";
    const auto* attached = FindAttached(view, member.endpoint);
    if (attached == nullptr || !attached->online) return name + " is not attached to the master";
    if (replica->role != redis::Role::kReplica || !replica->link_up)
      return name + " has lost its link to the master";
  }
  return std::nullopt;
}

std::optional<std::string> FindMissing(const CleanUpView& view, const SentinelView& sentinel_view) {
  if (!sentinel_view.report.master_connected) return "the master";
  for (const auto& other : view.sentinel_views) {
    if (other.sentinel.uuid == sentinel_view.sentinel.uuid) continue;
    const auto found = [&other](const auto& peer) { return Is(peer, other.sentinel) && !peer.down; };
    if (std::none_of(sentinel_view.known.peers.begin(), sentinel_view.known.peers.end(), found))
      return "Sentinel " + other.sentinel.endpoint.ToAddress();
  }
  const auto knows = [&sentinel_view](const Endpoint& endpoint, bool healthy) {
    return std::any_of(
        sentinel_view.known.replicas.begin(), sentinel_view.known.replicas.end(), [&](const auto& known) {
          return known.endpoint == endpoint && (!healthy || (!known.down && known.master_link_up));
        });
  };
  for (const auto& member : view.members) {
    if (member.serving && member.endpoint != view.record.master && !knows(member.endpoint, true))
      return "replica " + member.endpoint.ToAddress();
  }
  // Replicas of servers outside the group, whose health is not ours to judge.
  if (const auto* master = FindServer(view, view.record.master)) {
    for (const auto& attached : master->replicas) {
      if (!knows(attached.endpoint, false)) return "replica " + attached.endpoint.ToAddress();
    }
  }
  return std::nullopt;
}

std::optional<std::string> FindRisk(const CleanUpView& view, const store::Sentinel& blind) {
  const std::size_t all = view.sentinel_views.size() + view.silent.size();
  const std::size_t untouched = view.sentinel_views.size() - 1;
  if (untouched * 2 <= all)
    return fmt::format("no majority of {} Sentinels would answer and keep its tables during SENTINEL RESET",
                       all);
  for (const auto& sentinel_view : view.sentinel_views) {
    if (untouched < sentinel_view.report.quorum)
      return fmt::format("the other {} Sentinels would not reach the quorum of {}", untouched,
                         sentinel_view.report.quorum);
    if (sentinel_view.sentinel.uuid == blind.uuid) continue;
    if (const auto missing = FindMissing(view, sentinel_view))
      return fmt::format("Sentinel {} does not know {}", sentinel_view.sentinel.endpoint.ToAddress(),
                         *missing);
  }
  return std::nullopt;
}

}  // namespace redis_zk::watcher
