#include "failover/settings_guard.h"

#include <fmt/core.h>

#include "base/log.h"
#include "sentinel/client.h"

namespace redis_zk::failover {

SettingsGuard::~SettingsGuard() {
  std::erase_if(owed_, [](const auto& entry) { return entry.second.told; });
  Restore();
}

Status SettingsGuard::Set(TemporarySetting setting, const Endpoint& server, std::int64_t before,
                          std::int64_t value) {
  const Key key{setting, server};
  // What was found first is what it was.
  const auto owed = owed_.try_emplace(key, Owed{before, value}).first;
  owed->second.changed_to = value;
  return Order(key, value);
}

bool SettingsGuard::Restore(int tries) {
  for (auto entry = owed_.begin(); entry != owed_.end();) {
    auto& [key, owed] = *entry;
    const auto restored = OrderWithTries(key, owed.before, tries);
    if (restored) {
      entry = owed_.erase(entry);
      continue;
    }
    if (!owed.told) {
      owed.told = true;
      Tell(key, owed, restored.error());
    }
    ++entry;
  }
  return owed_.empty();
}

Status SettingsGuard::OrderWithTries(const Key& key, std::int64_t value, int tries) const {
  Status ordered = Order(key, value);
  while (!ordered && --tries > 0) ordered = Order(key, value);
  return ordered;
}

Status SettingsGuard::Order(const Key& key, std::int64_t value) const {
  const auto& [setting, server] = key;
  const std::string name(NameOf(setting));
  if (setting == TemporarySetting::kReplicaPriority)
    return network_.redis.Order(server, {"CONFIG", "SET", name, std::to_string(value)});
  return sentinel::Client(network_.sentinels, server).SetOption(group_, name, std::to_string(value));
}

void SettingsGuard::Tell(const Key& key, const Owed& owed, const Error& error) const {
  const auto& [setting, server] = key;
  const std::string address = server.ToAddress();
  switch (setting) {
    case TemporarySetting::kReplicaPriority:
      log::Warn({.event = "replica-priority-not-restored", .group = group_, .peer = address},
                "cannot restore replica-priority on {}: {}; set it with CONFIG SET replica-priority {}",
                address, error.message, owed.before);
      return;
    case TemporarySetting::kFailoverTimeout:
      log::Error({.event = "failover-timeout-not-restored", .group = group_, .peer = address},
                 "cannot restore failover-timeout of Sentinel {}, now {} ms: {}; run SENTINEL SET {} "
                 "failover-timeout {} there",
                 address, owed.changed_to, error.message, group_, owed.before);
      return;
  }
}

}  // namespace redis_zk::failover
