#include "watcher/web/connections.h"

#include "net/endpoint.h"

namespace redis_zk::watcher::web {

namespace {

// In all buffers.
constexpr std::size_t kMostHeld = std::size_t{8} * 1024 * 1024;
// One client may have this part of all connections.
constexpr std::size_t kShare = 4;

// What a client loses by the end of its connection: beyond the limit, too much.
constexpr int kMostLoss = 3;
int LossOf(const Connection& connection) {
  if (connection.state == Connection::State::kLingering) return 0;
  if (connection.idle()) return 1;
  if (connection.state == Connection::State::kHandshake) return 2;
  if (connection.state == Connection::State::kReading && connection.out.empty()) return 2;
  return connection.state == Connection::State::kWaiting ? kMostLoss : kMostLoss + 1;
}

}  // namespace

bool Connections::IsBelowShare(const std::string& holder) const {
  const auto found = by_holder_.find(holder);
  return IsLoopback(holder) || found == by_holder_.end() || found->second < most_ / kShare;
}

bool Connections::HasRoomFor(const std::string& holder) const {
  return all_.size() < most_ && IsBelowShare(holder);
}

std::optional<Connections::Id> Connections::FindDispensable(const std::string& holder) const {
  std::optional<Id> chosen;
  std::pair<int, TimePoint> rank;
  for (const auto& [id, connection] : all_) {
    const int loss = LossOf(*connection);
    if (loss > kMostLoss || (!holder.empty() && connection->holder != holder)) continue;
    const std::pair<int, TimePoint> own{loss, connection->since};
    if (chosen && own >= rank) continue;
    chosen = id;
    rank = own;
  }
  return chosen;
}

std::optional<Connections::Id> Connections::FindTooMuch() const {
  if (held_ <= kMostHeld) return std::nullopt;
  std::optional<Id> chosen;
  std::size_t most = 0;
  for (const auto& [id, connection] : all_) {
    if (connection->state == Connection::State::kRunning || connection->held() <= most) continue;
    chosen = id;
    most = connection->held();
  }
  return chosen;
}

std::pair<Connections::Id, Connection*> Connections::Add(std::unique_ptr<Connection> connection) {
  const Id id = next_++;
  ++by_holder_[connection->holder];
  const auto added = all_.emplace(id, std::move(connection)).first;
  return {id, added->second.get()};
}

Connection* Connections::Find(Id id) const {
  const auto found = all_.find(id);
  return found == all_.end() ? nullptr : found->second.get();
}

void Connections::Remove(Id id) {
  const auto found = all_.find(id);
  if (found == all_.end()) return;
  const auto& connection = *found->second;
  held_ -= connection.counted;
  timers_.erase({connection.timer, id});
  if (const auto same = by_holder_.find(connection.holder); --same->second == 0) by_holder_.erase(same);
  all_.erase(found);
}

void Connections::Note(Id id, Connection& connection) {
  held_ += connection.held() - connection.counted;
  connection.counted = connection.held();
  const TimePoint deadline = connection.deadline();
  const bool planned = connection.timer != TimePoint{};
  if (planned && connection.timer <= deadline) return;
  if (planned) timers_.erase({connection.timer, id});
  connection.timer = deadline;
  timers_.emplace(deadline, id);
}

std::vector<Connections::Id> Connections::ids() const {
  std::vector<Id> ids;
  ids.reserve(all_.size());
  for (const auto& entry : all_) ids.push_back(entry.first);
  return ids;
}

std::optional<Connections::Id> Connections::TakeDue(TimePoint now) {
  while (!timers_.empty() && timers_.begin()->first <= now) {
    const Id id = timers_.begin()->second;
    timers_.erase(timers_.begin());
    auto& connection = *all_.at(id);
    connection.timer = TimePoint{};
    if (connection.deadline() <= now) return id;
    Note(id, connection);
  }
  return std::nullopt;
}

}  // namespace redis_zk::watcher::web
