#include "daemon/exposure.h"

#include <fmt/core.h>

#include "base/log.h"

namespace redis_zk::daemon {

namespace {

constexpr Risk kRedis{"redis", &redis::FleetCredentials::redis,
                      "read, change and delete all data, and take over the server", "REDIS_PASSWORD"};
constexpr Risk kSentinel{"sentinel", &redis::FleetCredentials::sentinel,
                         "stop failovers, and move the master to another server", "SENTINEL_PASSWORD"};

}  // namespace

const Risk& RiskOf(std::string_view daemon) { return daemon == "sentinel-wrapper" ? kSentinel : kRedis; }

bool IsOpen(const CommonOptions& common, const ServerOptions& server, std::string_view daemon) {
  const auto credentials = (common.credentials.*RiskOf(daemon).credentials).Get();
  // What listens on loopback and is announced elsewhere is behind a proxy of this host.
  const bool others_reach_it = !IsLoopback(server.bind.host) || !IsLoopback(server.announce.host);
  return credentials->password.empty() && others_reach_it;
}

void WarnIfOpen(const CommonOptions& common, const ServerOptions& server, std::string_view daemon) {
  if (!IsOpen(common, server, daemon)) return;
  log::Warn({.event = "server-open"}, "{}", DescribeOpenServers(server.announce.ToAddress(), RiskOf(daemon)));
}

std::string DescribeOpenServers(const std::string& addresses, const Risk& risk) {
  return fmt::format(
      "no password at {}: any host on the network can {}; set {} for all daemons, or close the port to other "
      "hosts",
      addresses, risk.can, risk.option);
}

void WarnOfSecretFiles(const CommonOptions& options) {
  for (const auto& line : options.open_secret_files)
    log::Warn({.event = "secret-file-open"}, "{}; STRICT_SECRETS=on rejects such a file", line);
}

}  // namespace redis_zk::daemon
