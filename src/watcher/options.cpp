#include "watcher/options.h"

#include <fmt/format.h>

#include "net/interface.h"

namespace redis_zk::watcher {

WatcherOptions ReadWatcherOptions(int argc, const char* const* argv) {
  WatcherOptions watcher;
  Options options(
      "watcher",
      "Follows a Sentinel, keeps the master in ZooKeeper true and tells clients where the Sentinels are.");
  AddCommonOptions(options, &watcher.common);
  options.Add({"BIND_IP", "address to serve HTTP on", "0.0.0.0"}, ParseIp, &watcher.bind_ip);
  options.Add({"PORT0", "port to serve HTTP on", "8080"}, WholeNumber(1, 65535), &watcher.port);
  options.Add(
      {"SENTINEL_TIMEOUT", "how long the followed Sentinel may be silent before another one is chosen", "3s"},
      DurationBetween(300ms, 1min), &watcher.sentinel_timeout);
  options.AddCheck([&watcher]() -> std::vector<std::string> {
    watcher.listen = {watcher.bind_ip, static_cast<std::uint16_t>(watcher.port)};
    const auto bindable = CheckBindable(watcher.listen);
    if (bindable) return {};
    return {"BIND_IP, PORT0: " + bindable.error().message};
  });
  ReadOptionsOrExit(options, argc, argv);
  return watcher;
}

}  // namespace redis_zk::watcher
