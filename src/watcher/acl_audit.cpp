#include "watcher/acl_audit.h"

#include <utility>

#include "base/printable.h"
#include "watcher/status.h"

namespace redis_zk::watcher {

namespace {

constexpr std::size_t kPiece = 100;
constexpr Duration kEvery = 5min;
// While some are open, a person is about to close them and wants to see it.
constexpr Duration kAgain = 15s;

void CountOpen(const std::vector<zookeeper::TreeWalk::Entry>& piece, const zookeeper::Security& security,
               OpenZnodes* counted) {
  for (const auto& [path, acl] : piece) {
    // One that we may not read belongs to another user, who may change it.
    if (acl && !IsOpen(*acl, security)) continue;
    if (counted->count++ == 0) counted->first = Printable(path);
  }
}

}  // namespace

Result<OpenZnodes> FindOpenZnodes(const CommonOptions& options, zookeeper::Session& session) {
  OpenZnodes counted;
  zookeeper::TreeWalk walk(session, options.zk_root);
  while (true) {
    const auto piece = walk.Next(kPiece);
    if (!piece) return tl::unexpected(piece.error());
    if (piece->empty()) return counted;
    CountOpen(*piece, options.zk_security, &counted);
  }
}

AclAudit::AclAudit(const CommonOptions& options, zookeeper::Session& session)
    : options_(options), session_(session) {}

bool AclAudit::Step(TimePoint now) {
  const auto& security = options_.zk_security;
  if (security.credentials.empty() || !session_.connected() || now < begin_at_) return false;
  if (!walk_) {
    walk_.emplace(session_, options_.zk_root);
    counted_ = {};
  }
  const auto piece = walk_->Next(kPiece);
  if (!piece) {
    begin_at_ = now + kAgain;
    return false;
  }
  if (piece->empty()) return Conclude(now);
  CountOpen(*piece, security, &counted_);
  return false;
}

bool AclAudit::Conclude(TimePoint now) {
  walk_.reset();
  begin_at_ = now + (counted_.count > 0 ? kAgain : kEvery);
  if (found_ == counted_) return false;
  const bool closed = found_ && counted_.count == 0;
  found_ = std::exchange(counted_, {});
  if (found_->count > 0) {
    log_open_(log::Severity::kWarn, {.event = "znodes-open"}, DescribeOpen(*found_));
  } else if (closed) {
    log_open_.Reset();
    log::Info({.event = "znodes-secured"}, "ZooKeeper lets ZK_USERNAME alone use the znodes below {}",
              options_.zk_root);
  }
  return true;
}

}  // namespace redis_zk::watcher
