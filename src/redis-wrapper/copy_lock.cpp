#include "redis-wrapper/copy_lock.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/random_id.h"

namespace redis_zk::redis_wrapper {

namespace {

// Somebody may have set another password meanwhile.
constexpr Duration kLookWhetherClosedEvery = 1s;

// The value in the reply to CONFIG GET of one name; nothing: this Redis does not know it.
std::optional<std::string> ValueIn(const redis::Reply& reply) {
  if (reply.items.size() < 2) return std::nullopt;
  return reply.items[1].text;
}

}  // namespace

bool CopyLock::Close() {
  const bool was_closed = !closed_with_.empty();
  if (was_closed && Clock::now() < look_at_) return true;
  const auto now = Read();
  look_at_ = Clock::now() + kLookWhetherClosedEvery;
  if (now && IsClosed(*now)) return true;
  Login closed{.masterauth = NewHexId() + NewHexId()};
  // With a user's name, a master that asks for no password would let it in.
  if (now && now->masteruser) closed.masteruser = "";
  if (!Tell(now ? Set(closed) : tl::unexpected(now.error()),
            "keep redis-server from copying another group's data"))
    return was_closed;
  users_ = UsersOf(*now);
  closed_with_ = closed.masterauth;
  return true;
}

bool CopyLock::Open() {
  if (closed_with_.empty()) return true;
  const auto now = Read();
  if (!Tell(now ? Set(UsersOf(*now)) : tl::unexpected(now.error()),
            "give redis-server the password of its master"))
    return false;
  closed_with_.clear();
  users_ = {};
  return true;
}

bool CopyLock::IsClosed(const Login& now) const {
  return !closed_with_.empty() && now.masterauth == closed_with_ && now.masteruser.value_or("").empty();
}

CopyLock::Login CopyLock::UsersOf(const Login& now) const {
  if (closed_with_.empty()) return now;
  Login users = users_;
  // What was set meanwhile is right.
  if (now.masterauth != closed_with_) users.masterauth = now.masterauth;
  if (now.masteruser && !now.masteruser->empty()) users.masteruser = now.masteruser;
  return users;
}

Result<CopyLock::Login> CopyLock::Read() {
  const auto replies = own_server_.Ask({{"CONFIG", "GET", "masterauth"}, {"CONFIG", "GET", "masteruser"}});
  if (!replies) return tl::unexpected(replies.error());
  if (replies->front().is_error()) return Fail(ErrorKind::kRefused, "CONFIG GET: " + replies->front().text);
  return Login{ValueIn(replies->front()).value_or(""), ValueIn(replies->back())};
}

Status CopyLock::Set(const Login& login) {
  std::vector<redis::Command> commands;
  if (login.masteruser) commands.push_back({"CONFIG", "SET", "masteruser", *login.masteruser});
  commands.push_back({"CONFIG", "SET", "masterauth", login.masterauth});
  const auto replies = own_server_.Ask(commands);
  if (!replies) return tl::unexpected(replies.error());
  if (std::any_of(replies->begin(), replies->end(), [](const auto& reply) { return reply.is_error(); }))
    return Fail(ErrorKind::kRefused, "redis-server refuses CONFIG SET masterauth");
  return {};
}

bool CopyLock::Tell(const Status& done, const std::string& what) {
  if (done) {
    log_failure_.Reset();
    return true;
  }
  // Closed, it copies nothing at all.
  const auto severity = closed_with_.empty() ? log::Severity::kWarn : log::Severity::kError;
  log_failure_(severity, {.event = "copy-guard-failed"},
               fmt::format("cannot {}, retrying: {}; allow CONFIG GET and CONFIG SET to redis-wrapper", what,
                           done.error().message));
  return false;
}

}  // namespace redis_zk::redis_wrapper
