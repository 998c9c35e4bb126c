// The configuration that redis-server is launched with: the user's file, then what only the wrapper can know.
#pragma once

#include <optional>
#include <string>

#include "net/endpoint.h"
#include "redis-wrapper/options.h"

namespace redis_zk::redis_wrapper {

// `master`: whom to replicate; nothing: be the master.
std::string RenderServerConf(const WrapperOptions& options, const std::optional<Endpoint>& master);

}  // namespace redis_zk::redis_wrapper
