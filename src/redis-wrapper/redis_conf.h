// The user's redis.conf and what it includes, read the way Redis reads them (config.c).
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace redis_zk::redis_wrapper {

struct RedisConf {
  std::string dir;  // where a server works that starts in `work_dir`
  // The first word of each setting by its name in lower case; the last one counts.
  std::map<std::string, std::string> settings;
};

// A relative `dir` starts at `work_dir`. What cannot be read counts as empty.
RedisConf ReadRedisConf(const std::string& path, const std::string& work_dir);

// Redis' own default where the user sets none.
std::int64_t FindReplicaPriority(const RedisConf& conf);

}  // namespace redis_zk::redis_wrapper
