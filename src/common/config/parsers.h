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
#include "net/endpoint.h"

namespace redis_zk {

template <class T>
using Parser = std::function<Result<T>(std::string_view)>;

// Where ZooKeeper is: "host[:port],host[:port]...[/chroot]".
struct ZooKeeperHosts {
  std::vector<Endpoint> servers;
  std::string chroot;  // empty, or "/path" without a slash at its end
};

Result<ZooKeeperHosts> ParseZooKeeperHosts(std::string_view text);
// A ZooKeeper path: absolute, no empty part, no slash at its end.
Result<std::string> ParseZooKeeperPath(std::string_view text);
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

}  // namespace redis_zk
