// Carries out what the fence says: asks the witnesses, makes the server refuse writes, and accept them again.
//
// Refusing is Redis' own min-replicas-to-write, set to more replicas than anybody has: clients get an error
// at once, reads go on, and the user's setting comes back afterwards. Loop thread only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "redis-wrapper/fence.h"
#include "redis-wrapper/options.h"
#include "redis/sentinel_client.h"
#include "redis/server_info.h"

namespace redis_zk::redis_wrapper {

class WriteFence {
 public:
  // `options` must outlive the fence.
  explicit WriteFence(const WrapperOptions& options);

  // Call about once a second with what the own server says. `zookeeper` as in Witnesses; the others are asked
  // only when it does not vouch.
  void Check(const redis::ServerInfo& own, bool zookeeper, const std::vector<redis::Peer>& sentinels,
             const std::vector<Endpoint>& replicas);

  bool alone() const { return fence_.alone(); }

 private:
  Witnesses AskWitnesses(bool zookeeper, const std::vector<redis::Peer>& sentinels,
                         const std::vector<Endpoint>& replicas) const;
  Status Raise();
  Status Lower();

  const WrapperOptions& options_;
  Fence fence_;
  struct UserSettings {
    std::string min_replicas;
    std::string max_lag;
  };
  std::optional<UserSettings> users_;  // while the fence is up, or being raised
  LogOnChange log_problem_;
};

}  // namespace redis_zk::redis_wrapper
