#include "redis-wrapper/options.h"

#include <fmt/core.h>

#include <string>
#include <vector>

#include "base/file.h"
#include "base/printable.h"
#include "daemon/health.h"
#include "redis-wrapper/starting_nodes.h"
#include "redis/conf_file.h"

namespace redis_zk::redis_wrapper {

namespace {

constexpr std::size_t kMostIdDigits = 40;

Result<std::string> ParseForceMaster(std::string_view text) {
  const bool is_id = text.size() >= kLeastIdDigits && text.size() <= kMostIdDigits &&
                     text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  if (is_id) return std::string(text);
  // As members are compared with it, however it is spelled.
  if (const auto address = ParseAddress(text, std::nullopt)) return address->ToAddress();
  return Fail(ErrorKind::kInvalid, "host:port, or 8 to 40 digits of a replication id");
}

Options Describe(WrapperOptions* wrapper) {
  Options options(
      "redis-wrapper",
      "Asks ZooKeeper who the master is, under a lock, launches redis-server as master or replica and "
      "stays as its supervisor.");
  daemon::AddHealthCheck(options);
  wrapper->common.redis_tls.files.serves = true;
  AddCommonOptions(options, &wrapper->common);
  // redis-server waits for replicas that lag, and then saves.
  AddServerOptions(options, "6379", "60s", &wrapper->server, &wrapper->common);
  options.Add({"REDIS_CONF", "your redis.conf; what it sets is kept", "/etc/redis/redis.conf"}, ParseText,
              &wrapper->redis_conf);
  options.Add({"REDIS_SERVER_BIN", "the server to launch", "redis-server"}, ParseText,
              &wrapper->redis_server_bin);
  options.Add(
      {"HANDOVER_TIMEOUT",
       "how long a stop of the master may take to hand over to a replica first; 0: no handover", "10s"},
      DurationBetween(0ms, 1h), &wrapper->handover_timeout);
  options.Add({"COLD_START_WAIT",
               "after everything died: how long, in all, the nodes that return wait for those that may have "
               "better data",
               "30s"},
              DurationBetween(0ms, 24h), &wrapper->cold_start_wait);
  options.Add(
      {"FORCE_MASTER",
       "the node that begins after everything died, whatever data the others have: its address (host:port), "
       "or at least 8 digits of the replication id of its data; remove it afterwards",
       ""},
      ParseForceMaster, &wrapper->force_master);
  options.Add({"RECOVERY_PATIENCE",
               "how long most of the group and ZooKeeper must say that the master is dead, and Sentinel do "
               "nothing, before a replica promotes itself; at least FENCE_PATIENCE and 5 s; 0: it never does",
               "10s"},
              DurationBetween(0ms, 24h), &wrapper->recovery_patience);
  options.Add({"FENCE",
               "on: a master that neither ZooKeeper nor most of the group's Sentinels and replicas confirm "
               "rejects writes until one of them does; off: it never does",
               "on"},
              ParseSwitch, &wrapper->fence);
  options.Add(
      {"FENCE_PATIENCE", "how long a master may be without a confirmation before it rejects writes", "2s"},
      DurationBetween(100ms, 1h), &wrapper->fence_patience);
  options.AddCheck([wrapper] { return CheckReadable("REDIS_CONF", wrapper->redis_conf); });
  // redis-server includes it, and would go on without it where the pattern matches nothing.
  options.AddCheck([wrapper]() -> std::vector<std::string> {
    if (!redis::IsPattern(AbsolutePath(wrapper->redis_conf))) return {};
    return {fmt::format("REDIS_CONF: found \"{}\", expected a path without *, ? and [",
                        Printable(wrapper->redis_conf))};
  });
  return options;
}

}  // namespace

WrapperOptions ReadWrapperOptions(int argc, const char* const* argv) {
  WrapperOptions wrapper;
  Options options = Describe(&wrapper);
  wrapper.command = ReadOptionsOrExit(options, argc, argv);
  wrapper.redis_conf = AbsolutePath(wrapper.redis_conf);
  wrapper.common.read_again = Rereader(&Describe, argc, argv);
  return wrapper;
}

}  // namespace redis_zk::redis_wrapper
