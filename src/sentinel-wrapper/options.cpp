#include "sentinel-wrapper/options.h"

#include "daemon/health.h"

namespace redis_zk::sentinel_wrapper {

namespace {

Options Describe(WrapperOptions* wrapper) {
  Options options("sentinel-wrapper",
                  "Waits for a master in ZooKeeper, launches redis-sentinel on it and keeps it registered.");
  daemon::AddHealthCheck(options);
  wrapper->common.redis_tls.files.serves = true;
  AddCommonOptions(options, &wrapper->common);
  AddServerOptions(options, "26379", "10s", &wrapper->server, &wrapper->common);
  options.Add(
      {"SENTINEL_CONF", "your sentinel.conf; it is read and never written to", "/etc/redis/sentinel.conf"},
      ParseText, &wrapper->sentinel_conf);
  options.Add({"SENTINEL_SERVER_BIN", "the Sentinel to launch", "redis-sentinel"}, ParseText,
              &wrapper->sentinel_server_bin);
  options.Add({"SENTINEL_QUORUM", "how many Sentinels must agree that the master is down", "2"},
              WholeNumber(1, 1000), &wrapper->quorum);
  options.Add({"SENTINEL_DOWN_AFTER_MS",
               "milliseconds without an answer after which the master counts as down; at 1000 and below a "
               "failover may "
               "be followed by a needless second one; when not set, what your sentinel.conf says",
               ""},
              WholeNumber(100, 3'600'000), &wrapper->down_after_ms);
  options.Add(
      {"SENTINEL_INFO_PERIOD",
       "how often the Sentinel asks each server for INFO, by which it learns of new replicas; with more "
       "than a hundred servers less often, 5 ms for each; Redis 7.0 and later",
       "500ms"},
      DurationBetween(100ms, 1min), &wrapper->info_period);
  options.AddCheck([wrapper] { return CheckReadable("SENTINEL_CONF", wrapper->sentinel_conf); });
  return options;
}

}  // namespace

WrapperOptions ReadWrapperOptions(int argc, const char* const* argv) {
  WrapperOptions wrapper;
  Options options = Describe(&wrapper);
  wrapper.command = ReadOptionsOrExit(options, argc, argv);
  wrapper.common.read_again = Rereader(&Describe, argc, argv);
  return wrapper;
}

}  // namespace redis_zk::sentinel_wrapper
