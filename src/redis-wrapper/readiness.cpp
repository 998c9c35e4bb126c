#include "redis-wrapper/readiness.h"

#include <fmt/core.h>

#include <utility>
#include <vector>

#include "redis-wrapper/promotable.h"
#include "sentinel/client.h"

namespace redis_zk::redis_wrapper {

namespace {

constexpr const char* kLinkDown = "the link to the master is down";

}  // namespace

Readiness::Readiness(const std::string& group, const Endpoint& self, const redis::Network& network,
                     const Lookup& lookup, const PromotableKeeper& promotable, daemon::HealthFile& health)
    : group_(group),
      self_(self),
      network_(network),
      lookup_(lookup),
      promotable_(promotable),
      health_(health) {}

void Readiness::Say(const Result<redis::ServerInfo>& own) {
  if (!own && own.error().kind != ErrorKind::kRefused && !redis::IsFull(own.error())) {
    health_.Say(false, "redis-server is unreachable: " + own.error().message);
  } else if (!own) {
    health_.Say(ready_, "redis-server is up but refuses our credentials: " + own.error().message);
  } else if (own->role == redis::Role::kMaster) {
    ready_ = true;
    health_.Say(ready_, "master at " + self_.ToAddress());
  } else {
    SayReplica(*own);
  }
}

void Readiness::SayReplica(const redis::ServerInfo& own) {
  const std::string role = fmt::format("replica of {} at {}", own.master.ToAddress(), self_.ToAddress());
  std::optional<std::string> missing;
  if (!ready_) {
    missing = FindMissing(own);
    ready_ = !missing;
  } else if (!own.link_up) {
    missing = kLinkDown;
  }
  if (!promotable_.HoldsCopy(own) && missing) *missing += "; this replica holds no complete copy of the data";
  health_.Say(ready_, missing ? role + "; " + *missing : role);
}

std::optional<std::string> Readiness::FindMissing(const redis::ServerInfo& own) const {
  if (!own.link_up) return kLinkDown;
  const auto& sentinels = lookup_.sentinels();
  if (sentinels.empty()) return std::nullopt;
  std::vector<Result<sentinel::GroupReport>> answers;
  for (auto& of_one : sentinel::AskAboutGroups(network_.sentinels, sentinels, {group_}))
    answers.push_back(std::move(of_one.front()));
  const auto unaware = FindUnaware(sentinels, answers, self_, own.master, promotable_.users_priority());
  return unaware ? std::optional("linked; " + *unaware) : std::nullopt;
}

}  // namespace redis_zk::redis_wrapper
