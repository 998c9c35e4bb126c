// Something that happened to the groups, as one value.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "net/endpoint.h"
#include "store/event_log.h"

namespace redis_zk::watcher {

struct Event {
  // Given by the log.
  std::uint64_t number = 0;  // ascending from 1
  std::string id;            // "1764000000000-17": when the log began, and the number
  std::int64_t time = 0;     // milliseconds since 1970
  // The same at every watcher that tells of it, where that can be said; else the id.
  std::string key{};

  std::string kind;   // one of event_kind
  std::string group;  // empty: it concerns none
  std::map<std::string, std::variant<std::int64_t, std::string, Endpoint>> fields;
  std::string sentence;
};

namespace event_kind {
inline constexpr const char* kMasterChanged = store::kMasterChanged;  // to, epoch, reason; from, outage_ms
// Of the followed Sentinel: sentinel; step, its name for it.
inline constexpr const char* kMasterDown = "master-down";
inline constexpr const char* kMasterUp = "master-up";
inline constexpr const char* kFailoverStep = "failover-step";
inline constexpr const char* kGroupCame = "group-came";
inline constexpr const char* kGroupGone = "group-gone";
inline constexpr const char* kSentinelCame = "sentinel-came";  // sentinel
inline constexpr const char* kSentinelGone = "sentinel-gone";  // sentinel
inline constexpr const char* kReplicaCame = "replica-came";    // replica
inline constexpr const char* kReplicaGone = "replica-gone";    // replica
inline constexpr const char* kFollowing = "following";         // sentinel
inline constexpr const char* kZooKeeperLost = "zookeeper-lost";
inline constexpr const char* kZooKeeperBack = "zookeeper-back";  // away_ms
inline constexpr const char* kCleanUp = "clean-up";
// Admin, with its outcome: status, as HTTP answered.
inline constexpr const char* kFailoverRequested = "failover-requested";
inline constexpr const char* kGroupDeleted = "group-deleted";
inline constexpr const char* kPaused = "paused";
inline constexpr const char* kResumed = "resumed";

inline constexpr std::array kAll{
    kMasterChanged, kMasterDown,   kMasterUp,          kFailoverStep, kGroupCame, kGroupGone,
    kSentinelCame,  kSentinelGone, kReplicaCame,       kReplicaGone,  kFollowing, kZooKeeperLost,
    kZooKeeperBack, kCleanUp,      kFailoverRequested, kGroupDeleted, kPaused,    kResumed};
}  // namespace event_kind

// The last events, oldest first.
using History = std::vector<Event>;

}  // namespace redis_zk::watcher
