#include "redis-wrapper/former_owner.h"

#include <fmt/core.h>

#include <algorithm>
#include <vector>

#include "base/log.h"
#include "sentinel/client.h"
#include "store/sentinel_id.h"

namespace redis_zk::redis_wrapper {

using zookeeper::Watch;

FormerOwner::FormerOwner(const CommonOptions& common, Duration longest, const Endpoint& self,
                         const redis::Network& network, store::Registry& registry)
    : common_(common), longest_(longest), self_(self), network_(network), registry_(registry) {}

Result<std::optional<daemon::Wait>> FormerOwner::Check() {
  if (over_) return std::nullopt;
  const auto listing = FindListing();
  if (!listing) return tl::unexpected(listing.error());
  if (!*listing) {
    over_ = true;
    return std::nullopt;
  }
  const std::string what =
      fmt::format("Sentinel {} lists the address {} as {} of group {}", (*listing)->sentinel.ToAddress(),
                  self_.ToAddress(), (*listing)->as_master ? "the master" : "a replica", (*listing)->group);
  if (!deadline_) {
    const Duration usual = common_.zk_session_timeout + kForgottenWithin;
    deadline_ = Clock::now() + (longest_ > Duration::zero() ? std::min(usual, longest_ / 2) : usual);
  }
  if (Clock::now() < *deadline_) {
    return daemon::Wait{
        .name = "address-listed",
        .sentence = what + ((*listing)->as_master ? "; waiting for that group's failover"
                                                  : "; waiting until a watcher has made it forget that"),
        .until = *deadline_};
  }
  over_ = true;
  log::Error({.event = "address-still-listed", .peer = (*listing)->sentinel.ToAddress()},
             "serving, although {}: Sentinel may make this server a replica there, which redis-wrapper takes "
             "back; check that a watcher with CLEANUP=on runs and why its clean-up is blocked, or run "
             "SENTINEL RESET {} on one Sentinel after the other",
             what, (*listing)->group);
  return std::nullopt;
}

Result<std::optional<FormerOwner::Listing>> FormerOwner::FindListing() {
  auto groups = registry_.groups.List(Watch::kNo);
  if (!groups) return tl::unexpected(groups.error());
  std::erase(*groups, common_.master_name);
  if (groups->empty()) return std::nullopt;
  const auto registered = registry_.sentinels.List(Watch::kNo);
  if (!registered) return tl::unexpected(registered.error());
  const auto sentinels = store::PeersIn(*registered);
  const auto answers = sentinel::AskAboutGroups(network_.sentinels, sentinels, *groups);
  for (std::size_t s = 0; s < sentinels.size(); ++s) {
    for (std::size_t g = 0; g < groups->size(); ++g) {
      const auto& answer = answers[s][g];
      if (!answer) continue;
      const bool as_master = answer->report.master == self_;
      const auto is_self = [this](const auto& replica) { return replica.endpoint == self_; };
      if (as_master || std::any_of(answer->replicas.begin(), answer->replicas.end(), is_self))
        return Listing{sentinels[s].endpoint, (*groups)[g], as_master};
    }
  }
  return std::nullopt;
}

}  // namespace redis_zk::redis_wrapper
