#include "watcher/members.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "daemon/waiting.h"

namespace redis_zk::watcher {

namespace {

// What is told of a clock that is far from ours must not overflow.
constexpr Duration kLongestToldWait = std::chrono::hours(24 * 365);

std::string NameOfVersion(const std::string& version) { return version.empty() ? "before 0.2.0" : version; }

}  // namespace

std::map<std::string, std::vector<WaitingMember>> FindWaiting(
    const std::map<std::string, std::vector<store::Member>>& members,
    const std::map<std::string, std::vector<WaitingMember>>& earlier, TimePoint now) {
  std::map<std::string, std::vector<WaitingMember>> waiting;
  for (const auto& [group, all] : members) {
    const auto before = earlier.find(group);
    for (const auto& member : all) {
      if (member.serving) continue;
      WaitingMember found{.uuid = member.uuid,
                          .endpoint = member.endpoint,
                          .data_bytes = member.dataset.bytes,
                          .hangs = member.hanging.has_value(),
                          .since = now};
      if (before != earlier.end()) {
        for (const auto& known : before->second) {
          if (known.uuid == found.uuid && known.hangs == found.hangs) found.since = known.since;
        }
      }
      waiting[group].push_back(std::move(found));
    }
  }
  return waiting;
}

std::map<std::string, std::map<Endpoint, TimePoint>> FindIncomplete(
    const std::map<std::string, std::vector<store::Member>>& members,
    const std::map<std::string, std::map<Endpoint, TimePoint>>& earlier, TimePoint now) {
  std::map<std::string, std::map<Endpoint, TimePoint>> incomplete;
  for (const auto& [group, all] : members) {
    const auto before = earlier.find(group);
    for (const auto& member : all) {
      if (!member.incomplete) continue;
      TimePoint since = now;
      if (before != earlier.end()) {
        if (const auto known = before->second.find(member.endpoint); known != before->second.end())
          since = known->second;
      }
      incomplete[group].emplace(member.endpoint, since);
    }
  }
  return incomplete;
}

std::map<std::string, std::set<Endpoint>> FindServing(
    const std::map<std::string, std::vector<store::Member>>& members) {
  std::map<std::string, std::set<Endpoint>> serving;
  for (const auto& [group, all] : members) {
    for (const auto& member : all) {
      if (member.serving) serving[group].insert(member.endpoint);
    }
  }
  return serving;
}

std::map<std::string, std::map<Endpoint, std::int64_t>> FindPriorities(
    const std::map<std::string, std::vector<store::Member>>& members) {
  std::map<std::string, std::map<Endpoint, std::int64_t>> priorities;
  for (const auto& [group, all] : members) {
    for (const auto& member : all) {
      if (member.priority != store::kDefaultPriority) priorities[group][member.endpoint] = member.priority;
    }
  }
  return priorities;
}

std::map<std::string, std::size_t> CountVersions(
    const std::map<std::string, std::vector<store::Member>>& members,
    const std::vector<store::Identity>& identities) {
  std::map<std::string, std::size_t> versions;
  for (const auto& [group, all] : members) {
    for (const auto& member : all) ++versions[NameOfVersion(member.version)];
  }
  for (const auto& identity : identities) {
    if (identity.taken) ++versions[NameOfVersion(identity.version)];
  }
  return versions;
}

std::map<std::string, std::vector<LongWait>> FindLongWaits(
    const std::vector<store::Report>& wrappers, const std::map<std::string, std::vector<LongWait>>& earlier,
    TimePoint now, std::int64_t unix_now) {
  std::map<std::string, std::vector<LongWait>> by_group;
  for (const auto& wrapper : wrappers) {
    if (!wrapper.wait) continue;
    const store::Wait& wait = *wrapper.wait;
    LongWait found{.wait = wait};
    const Duration waited = std::max(daemon::kLongWait, Duration(unix_now - wait.since));
    found.since = now - std::min(waited, kLongestToldWait);
    if (wait.until) found.until = now + std::clamp(Duration(*wait.until - unix_now), 0ms, kLongestToldWait);
    if (const auto before = earlier.find(wait.group); before != earlier.end()) {
      for (const auto& known : before->second) {
        if (known.wait == wait) found = known;
      }
    }
    by_group[wait.group].push_back(std::move(found));
  }
  return by_group;
}

}  // namespace redis_zk::watcher
