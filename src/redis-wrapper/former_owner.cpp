#include "redis-wrapper/former_owner.h"

#include <fmt/core.h>

#include <algorithm>
#include <vector>

#include "base/log.h"
#include "sentinel/client.h"
#include "store/sentinel_id.h"

namespace redis_zk::redis_wrapper {

using zookeeper::Watch;

namespace {

// A look asks all Sentinels about all groups.
constexpr Duration kFreeFor = 1s;

}  // namespace

FormerOwner::FormerOwner(const CommonOptions& common, Duration longest, const Endpoint& self,
                         const redis::Network& network, store::Registry& registry)
    : common_(common), longest_(longest), self_(self), network_(network), registry_(registry) {}

Result<std::optional<daemon::Wait>> FormerOwner::Check() {
  const TimePoint now = Clock::now();
  if (given_up_ || now < free_until_) return std::nullopt;
  const auto listing = FindListing();
  if (!listing) return tl::unexpected(listing.error());
  if (!*listing) {
    // Sentinels that start read the records, and the start may take long.
    free_until_ = now + kFreeFor;
    return std::nullopt;
  }
  const auto& [who, group, as_master] = **listing;
  const std::string what = fmt::format("{} lists the address {} as {} of group {}", who, self_.ToAddress(),
                                       as_master ? "the master" : "a replica", group);
  if (!since_) since_ = now;
  const Duration usual = common_.zk_session_timeout + (as_master ? kSucceededWithin : kForgottenWithin);
  const TimePoint deadline = *since_ + (longest_ > Duration::zero() ? std::min(usual, longest_ / 2) : usual);
  if (now < deadline) {
    return daemon::Wait{.name = "address-listed",
                        .sentence = what + (as_master ? "; waiting until that group has another one"
                                                      : "; waiting until a watcher has made it forget that"),
                        .until = deadline};
  }
  given_up_ = true;
  log::Error({.event = "address-still-listed"},
             "serving, although {}: Sentinel may make this server a replica there, which redis-wrapper takes "
             "back, and clients of that group may write to it; check that a watcher with CLEANUP=on runs and "
             "why its clean-up is blocked, or run SENTINEL RESET {} on one Sentinel after the other",
             what, group);
  return std::nullopt;
}

Result<std::optional<FormerOwner::Listing>> FormerOwner::FindListing() {
  auto groups = registry_.groups.List(Watch::kNo);
  if (!groups) return tl::unexpected(groups.error());
  std::erase(*groups, common_.master_name);
  if (groups->empty()) return std::nullopt;
  auto recorded = FindRecorded(*groups);
  if (!recorded || *recorded) return recorded;
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
        return Listing{"Sentinel " + sentinels[s].endpoint.ToAddress(), (*groups)[g], as_master};
    }
  }
  return std::nullopt;
}

Result<std::optional<FormerOwner::Listing>> FormerOwner::FindRecorded(
    const std::vector<std::string>& groups) {
  const auto records = registry_.records.ReadAll(groups, Watch::kNo);
  if (!records) return tl::unexpected(records.error());
  for (const auto& [group, record] : *records) {
    if (record.state == store::Record::State::kMaster && record.master == self_)
      return Listing{"the record", group, /*as_master=*/true};
  }
  return std::nullopt;
}

}  // namespace redis_zk::redis_wrapper
