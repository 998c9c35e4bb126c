#include "watcher/options.h"

#include <fmt/format.h>

#include <utility>

#include "net/interface.h"
#include "watcher/behaviors/config.h"
#include "watcher/web/health_check.h"

namespace redis_zk::watcher {

namespace {

Result<CleanUpMode> ParseCleanUpMode(std::string_view text) {
  if (text == "off") return CleanUpMode::kOff;
  if (text == "observe") return CleanUpMode::kObserve;
  if (text == "on") return CleanUpMode::kOn;
  return Fail(ErrorKind::kInvalid, "off, observe or on");
}

Result<UpdateMasterMode> ParseUpdateMasterMode(std::string_view text) {
  if (text == "observe") return UpdateMasterMode::kObserve;
  if (text == "on") return UpdateMasterMode::kOn;
  return Fail(ErrorKind::kInvalid, "observe or on");
}

Endpoint ListenOf(const WatcherOptions& options) {
  return {options.bind_ip, static_cast<std::uint16_t>(options.port)};
}

Options Describe(WatcherOptions* watcher) {
  Options options(
      "watcher",
      "Follows a Sentinel, keeps the master in ZooKeeper true and tells clients where the Sentinels are.");
  options.AddCommand(std::string(web::kHealthCheck),
                     "asks the watcher that was started with the same options how it is; ends with 0 if it "
                     "is well",
                     {"BIND_IP", "PORT0"});
  AddCommonOptions(options, &watcher->common);
  options.Add({"BIND_IP", "address to serve HTTP on", "0.0.0.0"}, ParseIp, &watcher->bind_ip);
  options.Add({"PORT0", "port to serve HTTP on", "8080"}, WholeNumber(1, 65535), &watcher->port);
  options.Add(
      {"SENTINEL_TIMEOUT", "how long the followed Sentinel may be silent before another one is chosen", "3s"},
      DurationBetween(300ms, 1min), &watcher->sentinel_timeout);
  options.Add(
      {"UPDATE_MASTER",
       "whether the record of a master is written when it is not true: on, or observe, which only logs "
       "what it would write",
       "on"},
      ParseUpdateMasterMode, &watcher->update_master);
  options.Add({"CLEANUP",
               "whether Sentinels are made to forget peers and replicas that are gone: off, on, or observe, "
               "which only logs what it would do",
               "on"},
              ParseCleanUpMode, &watcher->clean_up);
  options.Add({"CLEANUP_PATIENCE", "how long somebody must have been gone before it is forgotten", "60s"},
              DurationBetween(1s, 24h), &watcher->clean_up_patience);
  options.Add(
      {"OBSERVE_INTERVAL",
       "how often Redis and Sentinels are asked how they are, for /status and /events; 0 = never", "2s"},
      DurationBetween(0ms, 1h), &watcher->observe_interval);
  options.AddSections("behavior", [watcher](const auto& sections) -> std::vector<std::string> {
    auto behaviors = ReadBehaviors(sections);
    if (!behaviors) return behaviors.error();
    watcher->behaviors = std::move(*behaviors);
    return {};
  });
  options.AddCheck([watcher]() -> std::vector<std::string> {
    const auto bindable = CheckBindable(ListenOf(*watcher));
    if (bindable) return {};
    return {"BIND_IP, PORT0: " + bindable.error().message};
  });
  return options;
}

}  // namespace

WatcherOptions ReadWatcherOptions(int argc, const char* const* argv) {
  WatcherOptions watcher;
  Options options = Describe(&watcher);
  watcher.command = ReadOptionsOrExit(options, argc, argv);
  watcher.listen = ListenOf(watcher);
  const auto secrets = options.Secrets();
  watcher.secrets.insert(secrets.begin(), secrets.end());
  watcher.common.read_again = Rereader(&Describe, argc, argv);
  return watcher;
}

}  // namespace redis_zk::watcher
