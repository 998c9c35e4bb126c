#include "watcher/own_waits.h"

#include <fmt/core.h>

#include <optional>

namespace redis_zk::watcher {

namespace {

using daemon::Wait;
using store::Record;

constexpr const char* kWatcherDaemon = "watcher";

std::vector<Wait> FindCommonWaits(const OwnWaits::Facts& facts) {
  std::vector<Wait> waits;
  if (!facts.connected) {
    waits.push_back(daemon::WaitForZooKeeper("", facts.refused, facts.outage));
  } else if (facts.stale) {
    waits.push_back({.name = "registry",
                     .sentence = "the registry in ZooKeeper cannot be read; waiting until it can",
                     .told = true});
  }
  if (facts.view.known_at == TimePoint{} || facts.following) return waits;
  if (facts.view.sentinels.empty()) {
    waits.push_back({.name = "sentinel", .sentence = "no Sentinel is registered; waiting for one to follow"});
  } else {
    waits.push_back(
        {.name = "sentinel",
         .sentence = fmt::format("none of {} registered Sentinels can be followed; waiting for one",
                                 facts.view.sentinels.size()),
         .told = true});
  }
  return waits;
}

std::optional<Wait> FindMasterWait(const std::string& group, const Record& record,
                                   const FleetStatus& observed) {
  if (record.state == Record::State::kUnreadable) {
    return Wait{
        .name = "master",
        .sentence = fmt::format("the record is unreadable (found \"{}\"); waiting until most Sentinels "
                                "name the same master",
                                record.found)};
  }
  if (!HasMaster(record)) {
    return Wait{.name = "master",
                .sentence = "no master is recorded; waiting until a redis-wrapper serves as one"};
  }
  const auto found = observed.groups.find(group);
  if (found == observed.groups.end() || !found->second.master) return std::nullopt;
  const auto& master = *found->second.master;
  if (master.endpoint != record.master) return std::nullopt;
  if (!master.info) {
    return Wait{.name = "master",
                .sentence = fmt::format(
                    "the recorded master {} does not answer; waiting for a failover, or until it answers",
                    master.endpoint.ToAddress()),
                .since = master.silent_since};
  }
  if (master.info->role == redis::Role::kMaster) return std::nullopt;
  return Wait{
      .name = "master",
      .sentence = fmt::format("the recorded master {} is a replica; waiting until a master is recorded",
                              master.endpoint.ToAddress())};
}

}  // namespace

bool OwnWaits::Look(const Facts& facts, TimePoint now) {
  std::map<Key, Wait> found;
  for (auto& wait : FindCommonWaits(facts)) found.emplace(Key{"", wait.name}, std::move(wait));
  for (const auto& [group, record] : facts.view.groups) {
    if (!Exists(facts.view, group)) continue;
    if (auto wait = FindMasterWait(group, record, facts.observed))
      found.emplace(Key{group, wait->name}, std::move(*wait));
    // The verdict is logged when it changes.
    if (const auto kept = facts.unconfirmed.find(group); kept != facts.unconfirmed.end()) {
      found.emplace(Key{group, "record"},
                    Wait{.name = "record",
                         .sentence = "keeping the record, which Sentinels do not confirm: " + kept->second,
                         .told = true});
    }
  }
  for (const auto& [group, why] : facts.blocked) {
    if (!facts.view.groups.contains(group)) continue;
    found.emplace(Key{group, "foreign-entries"},
                  Wait{.name = "foreign-entries", .sentence = why, .told = true});
  }
  for (auto& [key, waiting] : waiting_) {
    if (!found.contains(key)) waiting.End(now);
  }
  std::erase_if(waiting_, [](const auto& entry) { return !entry.second.current(); });
  for (auto& [key, wait] : found)
    waiting_.try_emplace(key, key.first).first->second.Say(std::move(wait), now);
  auto all = FindLong(now);
  if (all == long_) return false;
  long_ = std::move(all);
  return true;
}

std::map<std::string, std::vector<LongWait>> OwnWaits::FindLong(TimePoint now) const {
  std::map<std::string, std::vector<LongWait>> all;
  for (const auto& [key, waiting] : waiting_) {
    const auto wait = waiting.FindLong(now);
    if (!wait) continue;
    all[key.first].push_back({.wait = {.group = key.first,
                                       .daemon = kWatcherDaemon,
                                       .name = wait->name,
                                       .sentence = wait->sentence,
                                       .needs_person = wait->needs_person},
                              .since = wait->since,
                              .until = wait->until});
  }
  return all;
}

}  // namespace redis_zk::watcher
