#include "sentinel-wrapper/identity.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace redis_zk::sentinel_wrapper {

namespace {

bool IsFree(const IdentitySeen& seen) { return !seen.identity.taken && !seen.answers; }

}  // namespace

IdentityChoice ChooseIdentity(const std::vector<IdentitySeen>& identities, const Endpoint& own,
                              bool may_wait) {
  std::vector<IdentitySeen> ordered = identities;
  std::sort(ordered.begin(), ordered.end(),
            [](const auto& a, const auto& b) { return a.identity.uuid < b.identity.uuid; });
  const auto first = [&ordered](const auto& matches) -> const IdentitySeen* {
    const auto found = std::find_if(ordered.begin(), ordered.end(), matches);
    return found == ordered.end() ? nullptr : &*found;
  };
  const auto is_ours = [&own](const IdentitySeen& seen) { return seen.identity.endpoint == own; };

  if (const auto* seen = first([&](const auto& each) { return is_ours(each) && IsFree(each); }))
    return {IdentityChoice::Kind::kTake, seen->identity, "this address had it before"};
  if (const auto* seen = first(is_ours); seen != nullptr && may_wait)
    return {IdentityChoice::Kind::kWait, seen->identity,
            "this address had it before, and the ZooKeeper session of its last Sentinel has not expired"};
  if (const auto* seen = first(IsFree))
    return {IdentityChoice::Kind::kTake, seen->identity,
            fmt::format("its Sentinel at {} is unreachable and its session expired",
                        seen->identity.endpoint.ToAddress())};
  const auto may_be_dead = [](const IdentitySeen& seen) { return seen.identity.taken && !seen.answers; };
  if (const auto* seen = first(may_be_dead); seen != nullptr && may_wait)
    return {IdentityChoice::Kind::kWait, seen->identity,
            fmt::format("its Sentinel at {} is unreachable and its session has not expired",
                        seen->identity.endpoint.ToAddress())};
  return {
      IdentityChoice::Kind::kNew, {}, identities.empty() ? "no other exists" : "every other one is in use"};
}

bool IsLost(const std::vector<store::Identity>& identities, const store::Identity& ours) {
  return std::any_of(identities.begin(), identities.end(), [&ours](const auto& identity) {
    return identity.uuid == ours.uuid && identity.taken && identity.endpoint != ours.endpoint;
  });
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
