// Configuration files in Redis' syntax, written for a server that is about to start.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace redis_zk::process {

// A word as redis.conf takes it: in quotes and escaped where it has to be.
std::string QuoteForConf(std::string_view word);

// Writes `path` anew, readable by its owner only, for it may hold passwords. Whoever reads it sees all or
// nothing.
Status WriteConf(const std::string& path, std::string_view text);

// The absolute form of a path, which need not exist.
std::string AbsolutePath(const std::string& path);

// For the option `name`, which names a file: an error line when it cannot be read.
std::vector<std::string> CheckReadable(std::string_view name, const std::string& path);

}  // namespace redis_zk::process
