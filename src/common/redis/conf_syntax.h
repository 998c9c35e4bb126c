// The syntax of redis.conf and sentinel.conf: a line's words, read and written.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace redis_zk::redis {

// A word as redis.conf takes it: in quotes and escaped where it has to be.
std::string QuoteForConf(std::string_view word);

// The words of a line, as Redis reads them (sdssplitargs in sds.c). Nothing: Redis refuses the line, whose
// quotes do not match.
std::optional<std::vector<std::string>> SplitConfLine(std::string_view line);

}  // namespace redis_zk::redis
