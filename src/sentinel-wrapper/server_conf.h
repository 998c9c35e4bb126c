// The configuration that redis-sentinel is launched with, as a function of values: the user's lines, then
// what only the wrapper can know. Sentinel rewrites its file while it runs, so it gets a copy.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sentinel-wrapper/monitoring.h"
#include "sentinel-wrapper/options.h"

namespace redis_zk::sentinel_wrapper {

struct ServerConf {
  std::string text;
  std::vector<std::string> left_out;  // user's lines that the wrapper's replace, with the reason
};

// `user_conf` is the text of the user's file.
ServerConf RenderServerConf(std::string_view user_conf, const WrapperOptions& options,
                            const Monitoring& monitoring);

}  // namespace redis_zk::sentinel_wrapper
