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
// Of these, the server may still carry out the request to set one.
constexpr std::size_t kMostTexts = 16;

// The value in the reply to CONFIG GET of one name; nothing: this Redis does not know it.
std::optional<std::string> ValueIn(const redis::Reply& reply) {
  if (reply.items.size() < 2) return std::nullopt;
  return reply.items[1].text;
}

}  // namespace

bool CopyLock::Close() {
  if (closed_ && Clock::now() < look_at_) return true;
  const auto now = Read();
  look_at_ = Clock::now() + kLookWhetherClosedEvery;
  if (now && IsClosed(*now)) {
    closed_ = true;
    return true;
  }
  Login closing{.masterauth = NewHexId() + NewHexId()};
  if (now) {
    // Before it is sent: the answer may be lost.
    users_ = UsersOf(*now);
    texts_.push_back(closing.masterauth);
    if (texts_.size() > kMostTexts) texts_.pop_front();
    // With a user's name, a master that asks for no password would let it in.
    if (now->masteruser) closing.masteruser = "";
  }
  if (!Tell(now ? Set(closing) : tl::unexpected(now.error()),
            "keep redis-server from copying another group's data"))
    return closed_;
  closed_ = true;
  return true;
}

bool CopyLock::Open(const std::optional<std::string>& masterauth) {
  if (texts_.empty() && !masterauth) return true;
  const auto now = Read();
  Login opening;
  bool is_ours = !texts_.empty();  // what it logs in with, for all that is known
  if (now) {
    opening = UsersOf(*now);
    is_ours = opening != *now;
    opening.masterauth = masterauth.value_or(opening.masterauth);
  }
  if (now && opening == *now) {
    closed_ = false;
    return true;
  }
  const Status done = now ? Set(opening) : tl::unexpected(now.error());
  // Where CONFIG is refused, it was never closed either, and copies with what it has.
  if (!Tell(done, "give redis-server the password of its master") &&
      (is_ours || done.error().kind != ErrorKind::kRefused))
    return false;
  closed_ = false;
  return true;
}

bool CopyLock::IsOurs(const std::string& masterauth) const {
  return std::find(texts_.begin(), texts_.end(), masterauth) != texts_.end();
}

bool CopyLock::IsClosed(const Login& now) const {
  return IsOurs(now.masterauth) && now.masteruser.value_or("").empty();
}

CopyLock::Login CopyLock::UsersOf(const Login& now) const {
  const bool is_ours = IsOurs(now.masterauth);
  Login users = now;
  if (is_ours) users.masterauth = users_.masterauth;
  // While it is closed, an empty name is ours, whatever the password.
  if ((is_ours || closed_) && now.masteruser && now.masteruser->empty()) users.masteruser = users_.masteruser;
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
  const auto severity = !closed_ ? log::Severity::kWarn : log::Severity::kError;
  log_failure_(severity, {.event = "copy-guard-failed"},
               fmt::format("cannot {}, retrying: {}; allow CONFIG GET and CONFIG SET to redis-wrapper", what,
                           done.error().message));
  return false;
}

}  // namespace redis_zk::redis_wrapper
