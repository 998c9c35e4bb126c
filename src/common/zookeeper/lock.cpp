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

// Deletes every contender of ours except `kept`.
Status Lock::DeleteOwn(const std::vector<std::string>& contenders, const std::string& kept) {
  for (const auto& name : contenders) {
    if (!name.starts_with(guid_) || name == kept) continue;
    auto deleted = session_.Delete(path_ + '/' + name, kAnyVersion);
    if (!deleted && deleted.error().kind != ErrorKind::kNotFound) return deleted;
  }
  return {};
}

Result<bool> Lock::Acquire() {
  // What an earlier session of ours left in the queue is not ours to use, and in everybody's way.
  if (session_id_ != session_.id()) {
    if (auto left = Release(); !left) return tl::unexpected(left.error());
  }
  if (guid_.empty()) {
    guid_ = NewHexId();
    session_id_ = session_.id();
  }
  while (true) {
    const auto contenders = ListContenders();
    if (!contenders) return tl::unexpected(contenders.error());
    const auto own = std::find_if(contenders->begin(), contenders->end(),
                                  [this](const std::string& name) { return name.starts_with(guid_); });
    if (own == contenders->end()) {
      node_.clear();
      const auto created =
          session_.Create(path_ + '/' + guid_ + std::string(kMark), owner_, Lifetime::kEphemeralSequential);
      if (!created) return tl::unexpected(created.error());
      continue;
    }
    // The first is ours to keep. A second one comes of a creation whose answer was lost.
    node_ = path_ + '/' + *own;
    if (auto deleted = DeleteOwn(*contenders, *own); !deleted) return tl::unexpected(deleted.error());
    if (own == contenders->begin()) return true;
    const auto before = session_.Exists(path_ + '/' + *std::prev(own), Watch::kYes);
    if (!before) return tl::unexpected(before.error());
    if (before->has_value()) return false;
  }
}

Status Lock::Release() {
  if (guid_.empty()) return {};
  const auto contenders = ListContenders();
  if (!contenders) return tl::unexpected(contenders.error());
  if (auto deleted = DeleteOwn(*contenders, ""); !deleted) return deleted;
  node_.clear();
  guid_.clear();
  return {};
}

}  // namespace redis_zk::zookeeper
