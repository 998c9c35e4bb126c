// The options of redis-wrapper.
#pragma once

#include <string>

#include "options/common_options.h"

namespace redis_zk::redis_wrapper {

struct WrapperOptions {
  std::string command;  // empty: be the daemon
  CommonOptions common;
  ServerOptions server;
  std::string redis_conf;  // the user's; absolute
  std::string redis_server_bin;
  Duration handover_timeout{};  // 0: no handover
  Duration cold_start_wait{};
  std::string force_master;      // as in View
  Duration recovery_patience{};  // 0: no recovery
  bool fence = true;
  Duration fence_patience{};

  // As which this wrapper signs what it writes to ZooKeeper.
  std::string name() const { return "redis-wrapper " + server.announce.ToAddress(); }
};

// Ends the process when they are wrong, or when only help was asked for.
WrapperOptions ReadWrapperOptions(int argc, const char* const* argv);

}  // namespace redis_zk::redis_wrapper
