#include "daemon/address_claim.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>

#include "base/exit_code.h"
#include "base/log.h"
#include "net/interface.h"

namespace redis_zk::daemon {

namespace {

using store::AddressVerdict;

// One that starts serves, or ends, within a moment.
constexpr Duration kLookAgainSoon = 100ms;
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

AddressClaim::AddressClaim(WrapperLoop& loop, const CommonOptions& common, const ServerOptions& server,
                           redis::Servers& servers, const std::string& daemon)
    : loop_(loop),
      common_(common),
      server_(server),
      servers_(servers),
      name_(daemon + " at " + PlaceOf(server)),
      addresses_(loop.session(), common.zk_root) {}

std::optional<int> AddressClaim::Await() {
  if (claimed_session_ != 0 && (!loop_.session().connected() || claimed_session_ == loop_.session().id()))
    return std::nullopt;
  const Duration longest = server_.master_wait_timeout;
  const bool is_bounded = longest != Duration::zero();
  const TimePoint deadline = is_bounded ? Clock::now() + longest : TimePoint::max();
  std::optional<TimePoint> patience;
  while (true) {
    auto [verdict, wait, look_again] = Look(&patience);
    if (verdict == AddressVerdict::kOurs) return std::nullopt;
    if (verdict == AddressVerdict::kRefuse) return kExitTryAgain;
    if (is_bounded) wait.until = std::min(wait.until.value_or(deadline), deadline);
    loop_.SayWaiting(wait);
    const TimePoint until = std::min(deadline, Clock::now() + look_again);
    while (!loop_.stop_requested() && Clock::now() < until) loop_.Pump(until);
    if (loop_.stop_requested()) return kExitStopped;
    if (Clock::now() >= deadline) {
      log::Error({.event = "address-wait-timeout"},
                 "exiting: no free address within {} ms (MASTER_WAIT_TIMEOUT): {}", longest.count(),
                 wait.sentence);
      return kExitTryAgain;
    }
  }
}

AddressClaim::Found AddressClaim::Look(std::optional<TimePoint>* patience) {
  const Endpoint& address = server_.announce;
  const std::int64_t session = loop_.session().id();
  const bool answered = !servers_.WhoAnswers({address}).empty();
  const auto other = addresses_.Claim(address, name_, answered);
  if (!other) {
    return {.wait = WaitAfter(other.error(), "address",
                              fmt::format("cannot claim the address {} in ZooKeeper", address.ToAddress()))};
  }
  // What listens where ours will is a predecessor that stops, or the launch says what is wrong.
  const bool occupied = answered && (*other || CheckBindable(server_.bind));
  if (!*patience && (*other || occupied)) *patience = Clock::now() + common_.zk_session_timeout + kTick;
  const auto verdict = store::JudgeAddress(*other, occupied, *patience && Clock::now() < **patience);
  if (verdict == AddressVerdict::kOurs) claimed_session_ = session;
  const std::string who = *other ? fmt::format("{} announces it", (*other)->name)
                                 : "a server that no wrapper registered answers there";
  if (verdict == AddressVerdict::kRefuse) {
    log::Error({.event = "address-taken"},
               "exiting: the announced address {} is taken: {}{}; set ANNOUNCE_IP and ANNOUNCE_PORT to "
               "an address that no other wrapper has",
               address.ToAddress(), who, *other && answered ? ", and its server answers" : "");
  }
  return {
      .verdict = verdict,
      .wait = {.name = "address",
               .sentence = fmt::format("waiting for the address {} until its ZooKeeper session expires: {}",
                                       address.ToAddress(), who),
               .until = *patience},
      .look_again = *other && !(*other)->serving ? kLookAgainSoon : kLookAgain};
}

void AddressClaim::Keep() {
  const std::int64_t session = loop_.session().id();
  const auto other = addresses_.PutBack(server_.announce, name_);
  if (!other) {
    log_failure_(log::Severity::kWarn, {.event = "address-claim-failed"},
                 fmt::format("cannot claim the address {} in ZooKeeper, retrying: {}",
                             server_.announce.ToAddress(), other.error().message));
    return;
  }
  claimed_session_ = session;
  log_failure_.Reset();
  if (*other) {
    log::Error(
        {.event = "address-announced-twice"},
        "two wrappers announce the address {}: this one and {}; stop one, or correct its ANNOUNCE_IP and "
        "ANNOUNCE_PORT",
        server_.announce.ToAddress(), **other);
  }
}

}  // namespace redis_zk::daemon
