// Changes settings of other servers for a moment, and sets them back.
//
// A process that is killed in between leaves them changed; temporary_settings.h says how the wrappers of
// those servers tell, and they repair it. CLIENT PAUSE is not among them: it ends by itself.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "base/result.h"
#include "failover/temporary_settings.h"
#include "net/endpoint.h"
#include "redis/servers.h"

namespace redis_zk::failover {

// One thread.
class SettingsGuard {
 public:
  SettingsGuard(const redis::Network& network, std::string group)
      : network_(network), group_(std::move(group)) {}
  // Restores what Restore() has not told to be impossible.
  ~SettingsGuard();
  SettingsGuard(const SettingsGuard&) = delete;
  SettingsGuard& operator=(const SettingsGuard&) = delete;

  // `before` is what was found there, and what is restored, also when the answer to this order is lost.
  Status Set(TemporarySetting setting, const Endpoint& server, std::int64_t before, std::int64_t value);

  // Sets everything back, each with so many tries. What fails is logged once, and tried again by the next
  // call. Whether nothing is left.
  bool Restore(int tries = 3);

 private:
  struct Owed {
    std::int64_t before;
    std::int64_t changed_to;
    bool told = false;
  };
  using Key = std::pair<TemporarySetting, Endpoint>;

  Status Order(const Key& key, std::int64_t value) const;
  Status OrderWithTries(const Key& key, std::int64_t value, int tries) const;
  void Tell(const Key& key, const Owed& owed, const Error& error) const;

  const redis::Network network_;
  const std::string group_;
  std::map<Key, Owed> owed_;
};

}  // namespace redis_zk::failover
