#include "daemon/address_claim.h"

#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <system_error>

#include "base/exit_code.h"
#include "base/log.h"
#include "redis/connection.h"
#include "registry/addresses.h"

namespace redis_zk::daemon {

namespace {

using registry::AddressVerdict;

constexpr Duration kAnswerTimeout = 500ms;
constexpr Duration kLookAgain = 100ms;
// ZooKeeper ends sessions at its ticks only, two seconds apart by default.
constexpr Duration kTick = 2s;

// Where the server will listen: the machine, its network namespace and the address there.
std::string PlaceOf(const ServerOptions& server) {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  std::error_code failed;
  const auto network = std::filesystem::read_symlink("/proc/self/ns/net", failed);
  return fmt::format("{} {} {}", host.data(), network.string(), server.bind.ToAddress());
}

}  // namespace

std::optional<int> ClaimAddress(WrapperLoop& loop, const CommonOptions& common, const ServerOptions& server,
                                const Credentials& credentials, const std::string& daemon) {
  const std::string name = daemon + " at " + PlaceOf(server);
  registry::Addresses addresses(loop.session(), common.zk_root);
  const Endpoint& address = server.announce;
  std::optional<TimePoint> patience;
  while (true) {
    const auto other = addresses.Claim(address, name);
    if (!other) {
      // What ZooKeeper did not say yet, the steps behind this one wait for, too.
      loop.SayWaiting(fmt::format("claiming the address {}: {}", address.ToAddress(), other.error().message));
    } else {
      if (!patience && *other) patience = Clock::now() + common.zk_session_timeout + kTick;
      const bool answered = *other && !redis::WhoAnswers({address}, credentials, kAnswerTimeout).empty();
      const auto verdict = registry::JudgeAddress(*other, answered, patience && Clock::now() < *patience);
      if (verdict == AddressVerdict::kOurs) return std::nullopt;
      if (verdict == AddressVerdict::kRefuse) {
        log::Error(
            "the address {} is announced by {} already{}; expected ANNOUNCE_IP and ANNOUNCE_PORT that no "
            "other wrapper has",
            address.ToAddress(), (*other)->name, answered ? ", and its server answers" : "");
        return kExitTryAgain;
      }
      loop.SayWaiting(fmt::format("waiting for the address {}: it is announced by {}", address.ToAddress(),
                                  (*other)->name));
    }
    loop.Pump(Clock::now() + kLookAgain);
    if (loop.stop_requested()) return kExitStopped;
  }
}

}  // namespace redis_zk::daemon
