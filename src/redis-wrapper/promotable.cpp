#include "redis-wrapper/promotable.h"

#include <fmt/core.h>

#include <algorithm>

#include "failover/temporary_settings.h"

namespace redis_zk::redis_wrapper {

using failover::IsTemporaryPriority;

CopySeen See(CopySeen before, const redis::ServerInfo& own) {
  if (own.role == redis::Role::kMaster) {
    before.was_linked = true;
    return before;
  }
  if (!before.first_offset || own.offset == redis::kNoMasterKnown) before.first_offset = own.offset;
  before.was_linked = before.was_linked || own.link_up || own.offset != *before.first_offset;
  return before;
}

bool HoldsCopy(const CopySeen& seen, const redis::ServerInfo& own) {
  if (own.role == redis::Role::kMaster) return true;
  if (own.loading || own.synchronising) return false;
  return own.link_up || (seen.was_linked && own.offset != redis::kNoMasterKnown);
}

std::optional<std::int64_t> PriorityRule::Next(bool holds_copy, const redis::ServerInfo& own, TimePoint now) {
  const std::int64_t wanted = holds_copy ? users_ : 0;
  // INFO does not say it of a master.
  const bool known = own.role == redis::Role::kReplica;
  if (done_for_ != holds_copy) {
    temporary_since_.reset();
    if (!known || own.priority != wanted) return wanted;
    Did(holds_copy);
    return std::nullopt;
  }
  if (!known) return std::nullopt;
  if (!holds_copy) {
    // A handover that ends puts back what it found. Any other value is an operator's, who insists.
    return own.priority != 0 && (own.priority == users_ || IsTemporaryPriority(own.priority, users_))
               ? std::optional<std::int64_t>(0)
               : std::nullopt;
  }
  if (!IsTemporaryPriority(own.priority, users_)) {
    temporary_since_.reset();
    return std::nullopt;
  }
  if (!temporary_since_) temporary_since_ = now;
  return now - *temporary_since_ >= failover::kLongestPriorityChange ? std::optional(users_) : std::nullopt;
}

std::optional<std::string> FindUnaware(const std::vector<sentinel::Peer>& sentinels,
                                       const std::vector<Result<sentinel::GroupReport>>& answers,
                                       const Endpoint& self, const Endpoint& master,
                                       std::int64_t users_priority) {
  std::size_t aware = 0;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i] || !MayBeSame(answers[i]->report.master, master)) continue;
    const auto& replicas = answers[i]->replicas;
    const auto found = std::find_if(replicas.begin(), replicas.end(),
                                    [&](const auto& replica) { return MayBeSame(replica.endpoint, self); });
    const std::string sentinel = sentinels[i].endpoint.ToAddress();
    if (found == replicas.end()) return "Sentinel " + sentinel + " does not list this replica yet";
    if (found->priority == 0 && users_priority != 0)
      return fmt::format("Sentinel {} still reads replica-priority 0 of this replica", sentinel);
    ++aware;
  }
  if (aware == 0 && !sentinels.empty()) {
    return fmt::format("none of the {} registered Sentinels answers and names this replica's master",
                       sentinels.size());
  }
  return std::nullopt;
}

}  // namespace redis_zk::redis_wrapper
