// From the text of an option to its value. An error's message says what was expected ("a port from 1 to
// 65535"); Options adds where the text came from and what was found.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "base/time.h"

namespace redis_zk {

template <class T>
using Parser = std::function<Result<T>(std::string_view)>;

// "30s", "1500ms", "2m", "1h", or a bare number of seconds.
Result<Duration> ParseDuration(std::string_view text);
Result<std::string> ParseIp(std::string_view text);
Result<std::string> ParseHost(std::string_view text);
// A Sentinel master name: what Sentinel itself accepts, [A-Za-z0-9._-].
Result<std::string> ParseMasterName(std::string_view text);
Result<std::string> ParseLogLevel(std::string_view text);
Result<LogFormat> ParseLogFormat(std::string_view text);
// "on" or "off".
Result<bool> ParseSwitch(std::string_view text);
Result<std::string> ParseText(std::string_view text);

Parser<std::int64_t> WholeNumber(std::int64_t least, std::int64_t most);
Parser<Duration> DurationBetween(Duration least, Duration most);

// For the option `name`, which names a file: an error line when it cannot be read.
std::vector<std::string> CheckReadable(std::string_view name, const std::string& path);

}  // namespace redis_zk
