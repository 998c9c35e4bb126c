// What a Redis says about itself: the parts of INFO that decisions need.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/common_options.h"
#include "net/endpoint.h"
#include "redis/connection.h"

namespace redis_zk::redis {

enum class Role { kMaster, kReplica };

struct ServerInfo {
  Role role = Role::kMaster;
  std::string run_id;
  bool loading = false;
  std::uint64_t keys = 0;  // over all databases
  std::uint64_t connected_replicas = 0;
  std::string replication_id;
  std::int64_t offset = 0;  // master: written so far; replica: received so far
  // Replicas only.
  Endpoint master;
  bool link_up = false;
};

// Parses the text of INFO; an error when there is no role in it.
Result<ServerInfo> ParseServerInfo(std::string_view info);

// Asks a server. kRefused: it answers, but not us (its message says why); kUnavailable, kTimeout: it does not
// answer.
Result<ServerInfo> AskServerInfo(const Endpoint& server, const Credentials& credentials, Duration timeout);
std::vector<Result<ServerInfo>> AskServerInfos(const std::vector<Endpoint>& servers,
                                               const Credentials& credentials, Duration timeout);

}  // namespace redis_zk::redis
