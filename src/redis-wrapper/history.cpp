#include "redis-wrapper/history.h"

#include <algorithm>
#include <compare>
#include <optional>

namespace redis_zk::redis_wrapper {

namespace {

using store::Dataset;
using store::History;

// A group fails over now and then; data that are this many failovers old are not kept.
constexpr std::size_t kMostChapters = 64;

Order ToOrder(std::strong_ordering ordering) {
  if (ordering < 0) return Order::kOlder;
  return ordering > 0 ? Order::kNewer : Order::kSame;
}

std::optional<std::size_t> ChapterOf(const std::string& replication_id, const History& history) {
  if (replication_id.empty()) return std::nullopt;
  if (replication_id == history.replication_id) return history.ancestors.size();
  const auto found =
      std::find_if(history.ancestors.begin(), history.ancestors.end(),
                   [&](const auto& chapter) { return chapter.replication_id == replication_id; });
  if (found == history.ancestors.end()) return std::nullopt;
  return static_cast<std::size_t>(found - history.ancestors.begin());
}

// Three places for each chapter: that of a copy of it whose own name never reached ZooKeeper, and which may
// lack what its master wrote since; its own; and that of a descendant whose chapter never reached ZooKeeper.
std::optional<std::size_t> PlaceOf(const Dataset& dataset, const History& history) {
  if (const auto chapter = ChapterOf(dataset.replication_id, history)) return *chapter * 3 + 1;
  if (const auto parent = ChapterOf(dataset.previous_id, history)) return *parent * 3 + 2;
  if (const auto original = ChapterOf(dataset.copy_of, history)) return *original * 3;
  return std::nullopt;
}

void AddChapter(History& history, const std::string& replication_id, std::int64_t until) {
  if (replication_id.empty() || ChapterOf(replication_id, history)) return;
  history.ancestors.push_back({replication_id, until});
}

}  // namespace

Order Compare(const Dataset& one, const Dataset& other, const History& history) {
  if (!one.replication_id.empty() && one.replication_id == other.replication_id)
    return ToOrder(one.offset <=> other.offset);
  const auto place = PlaceOf(one, history);
  const auto other_place = PlaceOf(other, history);
  if (place && other_place && *place != *other_place) return ToOrder(*place <=> *other_place);
  if (!one.replication_id.empty() && one.replication_id == other.previous_id) return Order::kOlder;
  if (!other.replication_id.empty() && other.replication_id == one.previous_id) return Order::kNewer;
  return Order::kUnrelated;
}

History Continue(History history, const redis::ServerInfo& master, const std::string& loaded_id) {
  if (history.replication_id != master.replication_id) {
    const std::string ended = history.replication_id;
    const std::int64_t ended_at =
        ended == master.previous_replication_id ? master.previous_until : history.offset;
    // The master's own id may have been a chapter before, when a failover was undone.
    std::erase_if(history.ancestors,
                  [&](const auto& chapter) { return chapter.replication_id == master.replication_id; });
    history.replication_id.clear();
    AddChapter(history, ended, ended_at);
    AddChapter(history, loaded_id == master.replication_id ? "" : loaded_id, master.offset);
    AddChapter(history, master.previous_replication_id, master.previous_until);
    history.replication_id = master.replication_id;
    if (history.ancestors.size() > kMostChapters)
      history.ancestors.erase(history.ancestors.begin(), history.ancestors.end() - kMostChapters);
  }
  history.offset = master.offset;
  return history;
}

}  // namespace redis_zk::redis_wrapper
