#include "watcher/access.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <utility>

#include "base/log.h"
#include "net/networks.h"

namespace redis_zk::watcher {

namespace {

constexpr std::string_view kScheme = "bearer ";
constexpr std::size_t kMostWrong = 5;
constexpr Duration kWrongWithin = 1min;
constexpr std::size_t kMostAddresses = 1024;
constexpr Duration kLogDeniedEvery = 10s;

bool IsSameToken(std::string_view found, std::string_view token) {
  unsigned different = found.size() == token.size() ? 0 : 1;
  for (std::size_t i = 0; i < found.size(); ++i)
    different |= static_cast<unsigned char>(found[i] ^ token[i % token.size()]);
  return different == 0;
}

}  // namespace

Permission Authorize(const std::vector<AdminToken>& tokens, std::string_view header) {
  if (tokens.empty()) return {Access::kOff};
  const auto is_same = [](char wanted, char found) {
    return std::tolower(static_cast<unsigned char>(found)) == wanted;
  };
  if (header.size() < kScheme.size() || !std::equal(kScheme.begin(), kScheme.end(), header.begin(), is_same))
    return {Access::kDenied};
  header.remove_prefix(kScheme.size());
  const AdminToken* granted = nullptr;
  // To the end, whichever it is.
  for (const auto& token : tokens) {
    if (IsSameToken(header, token.text)) granted = &token;
  }
  return granted == nullptr ? Permission{Access::kDenied} : Permission{Access::kGranted, granted->name};
}

void WrongTokens::Note(const std::string& address, TimePoint now) {
  const std::string holder = HolderOf(address);
  std::erase_if(by_holder_, [now](const auto& entry) { return entry.second.back() + kWrongWithin <= now; });
  if (by_holder_.size() >= kMostAddresses && !by_holder_.contains(holder)) {
    by_holder_.erase(std::min_element(
        by_holder_.begin(), by_holder_.end(),
        [](const auto& one, const auto& other) { return one.second.back() < other.second.back(); }));
  }
  auto& times = by_holder_[holder];
  times.push_back(now);
  if (times.size() > kMostWrong) times.erase(times.begin());
}

Duration WrongTokens::BlockedFor(const std::string& address, TimePoint now) const {
  const auto found = by_holder_.find(HolderOf(address));
  if (found == by_holder_.end() || found->second.size() < kMostWrong) return Duration::zero();
  return Remaining(found->second.front() + kWrongWithin, now);
}

bool AdminDoor::Replace(std::vector<AdminToken> tokens) {
  const std::lock_guard lock(mutex_);
  return std::exchange(tokens_, tokens) != tokens;
}

AdminDoor::Decision AdminDoor::Check(std::string_view authorization, const Endpoint& from, TimePoint now) {
  const std::lock_guard lock(mutex_);
  if (tokens_.empty()) return {Access::kOff};
  auto permission = Authorize(tokens_, authorization);
  Decision decision{.access = permission.access, .who = std::move(permission.name)};
  // Behind a proxy, everybody has its address: others' wrong tokens must not lock the right one out.
  if (decision.access == Access::kGranted) return decision;
  // A request without any is no guess.
  if (!authorization.empty()) {
    decision.retry_after = wrong_.BlockedFor(from.host, now);
    if (decision.retry_after > Duration::zero()) {
      decision.access = Access::kBlocked;
    } else {
      wrong_.Note(from.host, now);
    }
  }
  ++denied_;
  if (now < log_denied_at_) return decision;
  log_denied_at_ = now + kLogDeniedEvery;
  log::Warn({.event = "admin-request-rejected", .more = {{"from", from.ToAddress()}}},
            "rejected request from {}: {} ({} since the last line)", from.ToAddress(),
            decision.access == Access::kBlocked ? "too many wrong admin tokens from this address"
                                                : "missing or wrong admin token",
            std::exchange(denied_, 0));
  return decision;
}

}  // namespace redis_zk::watcher
