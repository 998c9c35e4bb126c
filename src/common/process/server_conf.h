// Configuration files in Redis' syntax: their words, and writing them for a server that is about to start.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace redis_zk::process {

// A word as redis.conf takes it: in quotes and escaped where it has to be.
std::string QuoteForConf(std::string_view word);

// The words of a line, as Redis reads them (sdssplitargs in sds.c). Nothing: Redis refuses the line, whose
// quotes do not match.
std::optional<std::vector<std::string>> SplitConfLine(std::string_view line);

// Writes `path` anew, readable by its owner only, for it may hold passwords. Whoever reads it sees all or
// nothing.
Status WriteConf(const std::string& path, std::string_view text);

// The absolute form of a path, which need not exist.
std::string AbsolutePath(const std::string& path);

// For the option `name`, which names a file: an error line when it cannot be read.
std::vector<std::string> CheckReadable(std::string_view name, const std::string& path);

}  // namespace redis_zk::process
