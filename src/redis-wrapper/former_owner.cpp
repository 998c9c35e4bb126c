#include "redis-wrapper/former_owner.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/log.h"
#include "sentinel/client.h"
#include "store/sentinel_id.h"

namespace redis_zk::redis_wrapper {

using zookeeper::Watch;

namespace {

// A look asks all Sentinels about all groups.
constexpr Duration kFreeFor = 1s;

bool Lists(const sentinel::GroupReport& answer, const Endpoint& address) {
  return answer.report.master == address ||
         std::any_of(answer.replicas.begin(), answer.replicas.end(),
                     [&](const auto& replica) { return replica.endpoint == address; });
}

// Whether a server of the group at another address is up: its node may have lost ZooKeeper.
bool SeesAnother(const sentinel::GroupReport& answer, const Endpoint& address) {
  return (answer.report.master != address && !answer.report.master_down) ||
         std::any_of(answer.replicas.begin(), answer.replicas.end(),
                     [&](const auto& replica) { return replica.endpoint != address && !replica.down; });
}

}  // namespace

FormerOwner::FormerOwner(const CommonOptions& common, Duration longest, const Endpoint& self,
                         const redis::Network& network, store::Registry& registry)
    : common_(common), longest_(longest), self_(self), network_(network), registry_(registry) {}

Result<std::optional<daemon::Wait>> FormerOwner::Check() {
  const TimePoint now = Clock::now();
  if (given_up_ || now < free_until_) return std::nullopt;
  const auto listing = FindListing();
  if (!listing) return tl::unexpected(listing.error());
  if (*listing) {
    if (auto wait = WaitFor(**listing)) return wait;
  }
  // Sentinels that start read the records, and the start may take long.
  free_until_ = now + kFreeFor;
  return std::nullopt;
}

std::optional<daemon::Wait> FormerOwner::WaitFor(const Listing& listing) {
  const auto& [who, group, as_master, group_lives] = listing;
  const std::string what = fmt::format("{} lists the address {} as {} of group {}", who, self_.ToAddress(),
                                       as_master ? "the master" : "a replica", group);
  if (!since_) since_ = Clock::now();
  // After a mass restart, its nodes may be starting, too.
  const Duration more = !group_lives ? Duration::zero() : as_master ? kSucceededWithin : kForgottenWithin;
  const Duration usual = common_.zk_session_timeout + more;
  const TimePoint deadline = *since_ + (longest_ > Duration::zero() ? std::min(usual, longest_ / 2) : usual);
  if (Clock::now() < deadline) {
    return daemon::Wait{
        .name = "address-listed",
        .sentence = what + (!group_lives ? "; waiting whether a node of that group returns"
                            : as_master  ? "; waiting until that group has another one"
                                         : "; waiting until a watcher has made it forget that"),
        .until = deadline};
  }
  if (!group_lives) {
    if (std::exchange(told_dead_, true)) return std::nullopt;
    log::Warn({.event = "address-of-dead-group"},
              "serving, although {}: no node of that group lives; if it is not to return, delete it (DELETE "
              "/masters/{} on a watcher), or its Sentinels continue to send its clients here",
              what, group);
    return std::nullopt;
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
  auto listings = FindRecorded(*groups);
  if (!listings) return tl::unexpected(listings.error());
  const auto in_sentinels = FindInSentinels(*groups);
  if (!in_sentinels) return tl::unexpected(in_sentinels.error());
  listings->insert(listings->end(), in_sentinels->begin(), in_sentinels->end());
  for (auto& listing : *listings) {
    if (!listing.group_lives) {
      const auto has_members = HasMembers(listing.group);
      if (!has_members) return tl::unexpected(has_members.error());
      listing.group_lives = *has_members;
    }
    if (listing.group_lives) return listing;
  }
  return listings->empty() ? std::nullopt : std::optional(listings->front());
}

Result<bool> FormerOwner::HasMembers(const std::string& group) {
  const auto members = registry_.members.List(group, Watch::kNo);
  if (members) return !members->empty();
  // One whose registration is closed to us is registered.
  if (members.error().kind == ErrorKind::kDenied) return true;
  if (members.error().kind == ErrorKind::kNotFound) return false;
  return tl::unexpected(members.error());
}

Result<std::vector<FormerOwner::Listing>> FormerOwner::FindRecorded(const std::vector<std::string>& groups) {
  const auto records = registry_.records.ReadAll(groups, Watch::kNo);
  if (!records) return tl::unexpected(records.error());
  std::vector<Listing> found;
  for (const auto& [group, record] : *records) {
    if (record.state == store::Record::State::kMaster && record.master == self_)
      found.push_back({.who = "the record", .group = group, .as_master = true});
  }
  return found;
}

Result<std::vector<FormerOwner::Listing>> FormerOwner::FindInSentinels(
    const std::vector<std::string>& groups) {
  const auto registered = registry_.sentinels.List(Watch::kNo);
  if (!registered) return tl::unexpected(registered.error());
  const auto sentinels = store::PeersIn(*registered);
  const auto answers = sentinel::AskAboutGroups(network_.sentinels, sentinels, groups);
  std::vector<Listing> found;
  for (std::size_t s = 0; s < sentinels.size(); ++s) {
    for (std::size_t g = 0; g < groups.size(); ++g) {
      const auto& answer = answers[s][g];
      if (!answer || !Lists(*answer, self_)) continue;
      found.push_back({.who = "Sentinel " + sentinels[s].endpoint.ToAddress(),
                       .group = groups[g],
                       .as_master = answer->report.master == self_,
                       .group_lives = SeesAnother(*answer, self_)});
    }
  }
  return found;
}

}  // namespace redis_zk::redis_wrapper
