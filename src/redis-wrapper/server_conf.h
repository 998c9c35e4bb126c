// The configuration that redis-server is launched with: the user's file, then what only the wrapper can know.
#pragma once

#include <optional>
#include <string>

#include "net/endpoint.h"
#include "redis-wrapper/options.h"
#include "redis/conf_file.h"

namespace redis_zk::redis_wrapper {

// `users`: the user's file. `master`: which to replicate; nothing: be the master.
std::string RenderServerConf(const WrapperOptions& options, const redis::Conf& users,
                             const std::optional<Endpoint>& master);

}  // namespace redis_zk::redis_wrapper
