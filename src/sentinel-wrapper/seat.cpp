#include "sentinel-wrapper/seat.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace redis_zk::sentinel_wrapper {

namespace {

using Kind = SeatChoice::Kind;

bool IsFree(const SeatSeen& seen) { return !seen.seat.taken && !seen.answers; }

}  // namespace

SeatChoice ChooseSeat(const std::vector<SeatSeen>& seats, const Endpoint& own, bool may_wait) {
  std::vector<SeatSeen> ordered = seats;
  std::sort(ordered.begin(), ordered.end(),
            [](const auto& a, const auto& b) { return a.seat.uuid < b.seat.uuid; });
  const auto first = [&ordered](const auto& matches) -> const SeatSeen* {
    const auto found = std::find_if(ordered.begin(), ordered.end(), matches);
    return found == ordered.end() ? nullptr : &*found;
  };
  const auto is_ours = [&own](const SeatSeen& seen) { return seen.seat.endpoint == own; };

  if (const auto* seen = first([&](const auto& each) { return is_ours(each) && IsFree(each); }))
    return {Kind::kTake, seen->seat, "it was this address's before"};
  if (const auto* seen = first(is_ours); seen != nullptr && may_wait)
    return {Kind::kWait, seen->seat,
            "it was this address's before, and its last Sentinel's session lives on"};
  if (const auto* seen = first(IsFree))
    return {Kind::kTake, seen->seat,
            fmt::format("its Sentinel at {} is gone", seen->seat.endpoint.ToAddress())};
  const auto may_be_dead = [](const SeatSeen& seen) { return seen.seat.taken && !seen.answers; };
  if (const auto* seen = first(may_be_dead); seen != nullptr && may_wait)
    return {Kind::kWait, seen->seat,
            fmt::format("its Sentinel at {} does not answer", seen->seat.endpoint.ToAddress())};
  return {Kind::kNew, {}, seats.empty() ? "there is no other" : "every other one is in use"};
}

bool IsLost(const std::vector<registry::Seat>& seats, const registry::Seat& ours) {
  return std::any_of(seats.begin(), seats.end(), [&ours](const auto& seat) {
    return seat.uuid == ours.uuid && seat.taken && seat.endpoint != ours.endpoint;
  });
}

std::uint64_t FleetEpoch(const std::vector<registry::Seat>& seats, std::uint64_t record_epoch) {
  std::uint64_t epoch = record_epoch;
  for (const auto& seat : seats) epoch = std::max(epoch, seat.epoch);
  return epoch;
}

std::uint64_t EpochIn(std::string_view conf) {
  constexpr std::string_view kDirective = "sentinel current-epoch ";
  std::uint64_t epoch = 0;
  while (!conf.empty()) {
    const std::string_view line = conf.substr(0, conf.find('\n'));
    conf.remove_prefix(std::min(conf.size(), line.size() + 1));
    if (!line.starts_with(kDirective)) continue;
    const std::string_view number = line.substr(kDirective.size());
    std::from_chars(number.data(), number.data() + number.size(), epoch);
  }
  return epoch;
}

}  // namespace redis_zk::sentinel_wrapper
