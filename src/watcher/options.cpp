#include "watcher/options.h"

#include <fmt/format.h>

#include "net/interface.h"

namespace redis_zk::watcher {

namespace {

Result<CleanUpMode> ParseCleanUpMode(std::string_view text) {
  if (text == "off") return CleanUpMode::kOff;
  if (text == "observe") return CleanUpMode::kObserve;
  if (text == "on") return CleanUpMode::kOn;
  return Fail(ErrorKind::kInvalid, "off, observe or on");
}

}  // namespace

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
  options.Add({"CLEANUP",
               "whether Sentinels are made to forget peers and replicas that are gone: off, on, or observe, "
               "which only logs what it would do",
               "on"},
              ParseCleanUpMode, &watcher.clean_up);
  options.Add({"CLEANUP_PATIENCE", "how long somebody must have been gone before it is forgotten", "60s"},
              DurationBetween(1s, 24h), &watcher.clean_up_patience);
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
