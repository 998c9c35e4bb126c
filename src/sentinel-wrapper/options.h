// The options of sentinel-wrapper.
#pragma once

#include <cstdint>
#include <string>

#include "options/common_options.h"

namespace redis_zk::sentinel_wrapper {

struct WrapperOptions {
  std::string command;  // empty: be the daemon
  CommonOptions common;
  ServerOptions server;
  std::string sentinel_conf;  // the user's; read only
  std::string sentinel_server_bin;
  std::int64_t quorum = 0;
  std::int64_t down_after_ms = 0;  // 0: what the user's file says
  Duration info_period{};          // how often our Sentinel asks for INFO; longer for a large fleet
};

// Ends the process when they are wrong, or when only help was asked for.
WrapperOptions ReadWrapperOptions(int argc, const char* const* argv);

}  // namespace redis_zk::sentinel_wrapper
