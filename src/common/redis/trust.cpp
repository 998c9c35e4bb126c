#include "redis/trust.h"

#include <fmt/core.h>

#include <cstddef>

#include "base/log.h"

namespace redis_zk::redis {

namespace {

constexpr std::string_view kTrustOption = "TRUSTED_NETWORKS";
// Addresses come from ZooKeeper, where strangers may have written them.
constexpr std::size_t kMostTold = 1000;

}  // namespace

Status Trust::Check(const Endpoint& server) const {
  if (Covers(server.host)) return {};
  if (IsIpAddress(server.host))
    return Fail(ErrorKind::kRefused, fmt::format("{} is outside {}", server.ToAddress(), kTrustOption),
                Cause::kTrustedNetworks);
  return Fail(ErrorKind::kRefused,
              fmt::format("{} is a host name, and with {} only addresses are accepted", server.ToAddress(),
                          kTrustOption),
              Cause::kTrustedNetworks);
}

Error Trust::Withhold(const Endpoint& server, const std::string& address) {
  const std::lock_guard lock(mutex_);
  const bool is_news = told_.size() < kMostTold && told_.insert(server).second;
  const std::string outside = server.host == address
                                  ? fmt::format("it is outside {}", kTrustOption)
                                  : fmt::format("its address {} is outside {}", address, kTrustOption);
  if (is_news)
    log::Warn({.event = "password-withheld", .peer = server.ToAddress()},
              "not sending the password to {}: {}; add its network there if that server is yours, else find "
              "out who registered it",
              server.ToAddress(), outside);
  return {ErrorKind::kRefused,
          fmt::format("{}: {}, so the password is not sent there", server.ToAddress(), outside),
          Cause::kTrustedNetworks};
}

}  // namespace redis_zk::redis
