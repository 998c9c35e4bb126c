// What redis-wrapper makes of the user's redis.conf. Functions of values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "redis-wrapper/options.h"
#include "redis/conf_check.h"
#include "redis/conf_file.h"

namespace redis_zk::redis_wrapper {

// Redis' own default where the user sets none.
std::int64_t FindReplicaPriority(const redis::Conf& users);

// The user's lines against what server_conf.h adds behind them, and against what the group needs.
redis::ConfFindings CheckRedisConf(const redis::Conf& users, const WrapperOptions& options);

// The commands that the wrapper, replicas and Sentinels send to the server.
std::vector<redis::NeededCommand> NeededCommands(const WrapperOptions& options);

// Why the server answers with `refusal`, and what to do.
std::string ExplainRefusal(const Error& refusal, const redis::Conf& users, const WrapperOptions& options);

}  // namespace redis_zk::redis_wrapper
