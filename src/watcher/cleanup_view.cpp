#include "watcher/cleanup_view.h"

#include <fmt/core.h>

#include <algorithm>

#include "registry/sentinel_id.h"

namespace redis_zk::watcher {

namespace {

bool Is(const redis::PeerReport& peer, const registry::Sentinel& sentinel) {
  // The id is what Sentinels know each other by, unless it was not us who launched this one.
  return peer.id == registry::SentinelIdOf(sentinel.uuid) || peer.endpoint == sentinel.endpoint;
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

bool IsGhost(const CleanUpView& view, const redis::PeerReport& peer) {
  const auto is_peer = [&peer](const auto& sentinel) { return Is(peer, sentinel); };
  // Somebody who takes a seat registers a moment later.
  const auto sits = [&peer](const auto& seat) {
    return seat.taken && peer.id == registry::SentinelIdOf(seat.uuid);
  };
  return peer.down && std::none_of(view.sentinels.begin(), view.sentinels.end(), is_peer) &&
         std::none_of(view.seats.begin(), view.seats.end(), sits);
}

bool IsGhost(const CleanUpView& view, const redis::ReplicaReport& replica) {
  const auto is_replica = [&replica](const auto& member) { return member.endpoint == replica.endpoint; };
  return replica.down && std::none_of(view.members.begin(), view.members.end(), is_replica) &&
         FindAttached(view, replica.endpoint) == nullptr;
}

}  // namespace

std::vector<Ghost> FindGhosts(const CleanUpView& view, const Witness& witness) {
  std::vector<Ghost> ghosts;
  for (const auto& peer : witness.known.peers) {
    if (IsGhost(view, peer)) ghosts.push_back({peer.id, "Sentinel " + peer.endpoint.ToAddress()});
  }
  for (const auto& replica : witness.known.replicas) {
    const std::string address = replica.endpoint.ToAddress();
    if (IsGhost(view, replica)) ghosts.push_back({address, "replica " + address});
  }
  // Sentinel lists them in no order.
  std::sort(ghosts.begin(), ghosts.end(), [](const auto& a, const auto& b) { return a.shown < b.shown; });
  return ghosts;
}

std::string Join(const std::vector<Ghost>& ghosts) {
  std::string text;
  for (const auto& ghost : ghosts) text += (text.empty() ? "" : ", ") + ghost.shown;
  return text;
}

bool IsSeenAlive(const Witness& witness, const std::string& ghost) {
  return std::any_of(witness.known.peers.begin(), witness.known.peers.end(),
                     [&ghost](const auto& peer) { return peer.id == ghost && !peer.down; }) ||
         std::any_of(witness.known.replicas.begin(), witness.known.replicas.end(),
                     [&ghost](const auto& replica) {
                       return replica.endpoint.ToAddress() == ghost && !replica.down;
                     });
}

bool IsKnown(const CleanUpView& view, const std::string& id) {
  const auto is_registered = [&id](const auto& sentinel) {
    return registry::SentinelIdOf(sentinel.uuid) == id;
  };
  const auto is_peer = [&id](const auto& peer) { return peer.id == id; };
  return std::any_of(view.sentinels.begin(), view.sentinels.end(), is_registered) ||
         std::any_of(view.witnesses.begin(), view.witnesses.end(),
                     [&is_peer](const auto& witness) {
                       const auto& peers = witness.known.peers;
                       return std::any_of(peers.begin(), peers.end(), is_peer);
                     }) ||
         !view.known_elsewhere || view.known_elsewhere->contains(id);
}

std::optional<std::string> FindDispute(const CleanUpView& view) {
  if (view.record.state != registry::Record::State::kMaster) return "ZooKeeper names no master";
  for (const auto& [sentinel, report, known] : view.witnesses) {
    const std::string name = "Sentinel " + sentinel.endpoint.ToAddress();
    if (report.master_down) return name + " reports the master down";
    if (report.failover_in_progress) return name + " reports a failover in progress";
    if (report.master != view.record.master) {
      return fmt::format("{} names {}, not the recorded master {}", name, report.master.ToAddress(),
                         view.record.master.ToAddress());
    }
    if (report.config_epoch != view.witnesses.front().report.config_epoch)
      return name + " knows another config epoch than the others";
  }
  return std::nullopt;
}

std::optional<std::string> FindSickServer(const CleanUpView& view) {
  const Endpoint& recorded = view.record.master;
  const auto* master = FindServer(view, recorded);
  if (master == nullptr) return fmt::format("the recorded master {} does not answer", recorded.ToAddress());
  if (master->role != redis::Role::kMaster || master->loading)
    return fmt::format("{} does not act as master", recorded.ToAddress());
  for (const auto& member : view.members) {
    if (!member.serving || member.endpoint == recorded) continue;
    const std::string name = "replica " + member.endpoint.ToAddress();
    const auto* replica = FindServer(view, member.endpoint);
    if (replica == nullptr) return name + " is registered and does not answer";
    const auto* attached = FindAttached(view, member.endpoint);
    if (attached == nullptr || !attached->online) return name + " is not attached to the master";
    if (replica->role != redis::Role::kReplica || !replica->link_up)
      return name + " has lost its link to the master";
  }
  return std::nullopt;
}

std::optional<std::string> FindMissing(const CleanUpView& view, const Witness& witness) {
  if (!witness.report.master_connected) return "the master";
  for (const auto& other : view.witnesses) {
    if (other.sentinel.uuid == witness.sentinel.uuid) continue;
    const auto found = [&other](const auto& peer) { return Is(peer, other.sentinel) && !peer.down; };
    if (std::none_of(witness.known.peers.begin(), witness.known.peers.end(), found))
      return "Sentinel " + other.sentinel.endpoint.ToAddress();
  }
  const auto knows = [&witness](const Endpoint& endpoint, bool healthy) {
    return std::any_of(witness.known.replicas.begin(), witness.known.replicas.end(), [&](const auto& known) {
      return known.endpoint == endpoint && (!healthy || (!known.down && known.master_link_up));
    });
  };
  for (const auto& member : view.members) {
    if (member.serving && member.endpoint != view.record.master && !knows(member.endpoint, true))
      return "replica " + member.endpoint.ToAddress();
  }
  // Somebody else's replicas, whose health is not ours to judge.
  if (const auto* master = FindServer(view, view.record.master)) {
    for (const auto& attached : master->replicas) {
      if (!knows(attached.endpoint, false)) return "replica " + attached.endpoint.ToAddress();
    }
  }
  return std::nullopt;
}

std::optional<std::string> FindRisk(const CleanUpView& view, const registry::Sentinel& blind) {
  const std::size_t all = view.witnesses.size();
  const std::size_t untouched = all - 1;
  if (untouched * 2 <= all) return fmt::format("of {} Sentinels no majority would stay untouched", all);
  for (const auto& witness : view.witnesses) {
    if (untouched < witness.report.quorum)
      return fmt::format("{} untouched Sentinels would not reach the quorum of {}", untouched,
                         witness.report.quorum);
    if (witness.sentinel.uuid == blind.uuid) continue;
    if (const auto missing = FindMissing(view, witness))
      return fmt::format("Sentinel {} does not know {}", witness.sentinel.endpoint.ToAddress(), *missing);
  }
  return std::nullopt;
}

}  // namespace redis_zk::watcher
