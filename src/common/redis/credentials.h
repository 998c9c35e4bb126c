// Who we are to Redis and to Sentinel. Values; any thread.
#pragma once

#include <string>

namespace redis_zk::redis {

// A password, and the ACL user it belongs to; both empty: none is needed.
struct Credentials {
  std::string username;
  std::string password;
};

// Of a group's servers, and of the Sentinels that watch them.
struct FleetCredentials {
  Credentials redis;
  Credentials sentinel;
};

}  // namespace redis_zk::redis
