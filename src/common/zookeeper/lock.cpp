#include "zookeeper/lock.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/random_id.h"

namespace redis_zk::zookeeper {

namespace {

constexpr std::string_view kMark = "__lock__";

}  // namespace

std::optional<std::int64_t> ContenderSequence(std::string_view name) {
  const auto mark = name.rfind(kMark);
  if (mark == std::string_view::npos) return std::nullopt;
  const std::string_view digits = name.substr(mark + kMark.size());
  // Ten digits; the server's counter is a signed 32-bit number and may have wrapped into "-" and ten digits.
  if (digits.size() != (digits.starts_with('-') ? 11U : 10U)) return std::nullopt;
  std::int64_t sequence = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), sequence);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return sequence;
}

Lock::Lock(Session& session, std::string path, std::string owner)
    : session_(session), path_(std::move(path)), owner_(std::move(owner)) {}

Result<std::vector<std::string>> Lock::ListContenders() {
  auto children = session_.Children(path_, Watch::kNo);
  if (!children) return children;
  std::erase_if(*children, [](const std::string& name) { return !ContenderSequence(name); });
  std::sort(children->begin(), children->end(), [](const std::string& a, const std::string& b) {
    return ContenderSequence(a) < ContenderSequence(b);
  });
  return children;
}

// Makes node_ a contender of the current session.
Status Lock::Enqueue() {
  if (!node_.empty() && session_id_ == session_.id()) return {};
  node_.clear();
  if (!guid_.empty()) {
    // A contender of this name may stand there: its creation was answered by nobody, or it belongs to a
    // session of ours that is over and that the server has not noticed yet.
    const auto contenders = ListContenders();
    if (!contenders) return tl::unexpected(contenders.error());
    for (const auto& name : *contenders) {
      if (!name.starts_with(guid_)) continue;
      const std::string path = path_ + '/' + name;
      const auto stat = session_.Exists(path, Watch::kNo);
      if (!stat) return tl::unexpected(stat.error());
      if (stat->has_value() && (*stat)->ephemeral_owner == session_.id()) {
        node_ = path;
        session_id_ = session_.id();
        return {};
      }
      const auto deleted = session_.Delete(path, kAnyVersion);
      if (!deleted && deleted.error().kind != ErrorKind::kNotFound) return deleted;
    }
  }
  guid_ = NewHexId();
  session_id_ = session_.id();
  const auto created =
      session_.Create(path_ + '/' + guid_ + std::string(kMark), owner_, Lifetime::kEphemeralSequential);
  if (!created) return tl::unexpected(created.error());
  node_ = *created;
  return {};
}

Result<bool> Lock::Acquire() {
  while (true) {
    if (const auto enqueued = Enqueue(); !enqueued) return tl::unexpected(enqueued.error());
    const auto contenders = ListContenders();
    if (!contenders) return tl::unexpected(contenders.error());
    const std::string name = node_.substr(path_.size() + 1);
    const auto own = std::find(contenders->begin(), contenders->end(), name);
    if (own == contenders->end()) {
      // Somebody deleted it, or the session has just ended: back to the end of the queue.
      node_.clear();
      guid_.clear();
      continue;
    }
    if (own == contenders->begin()) return true;
    const auto before = session_.Exists(path_ + '/' + *std::prev(own), Watch::kYes);
    if (!before) return tl::unexpected(before.error());
    if (before->has_value()) return false;
  }
}

Status Lock::Release() {
  if (guid_.empty()) return {};
  if (node_.empty()) {
    // Unknown whether it exists. Find it, so that it does not stand in everyone's way until the session ends.
    const auto contenders = ListContenders();
    if (!contenders) return tl::unexpected(contenders.error());
    const auto own = std::find_if(contenders->begin(), contenders->end(),
                                  [this](const std::string& name) { return name.starts_with(guid_); });
    if (own != contenders->end()) node_ = path_ + '/' + *own;
  }
  if (!node_.empty()) {
    const auto deleted = session_.Delete(node_, kAnyVersion);
    if (!deleted && deleted.error().kind != ErrorKind::kNotFound) return deleted;
  }
  node_.clear();
  guid_.clear();
  return {};
}

}  // namespace redis_zk::zookeeper
