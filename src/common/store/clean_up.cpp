#include "store/clean_up.h"

namespace redis_zk::store {

using zookeeper::kAnyVersion;
using zookeeper::Lifetime;
using zookeeper::Node;
using zookeeper::Watch;

Result<std::int64_t> CleanUp::AskTime() {
  if (auto written = session_.Set(LockPath(), "", kAnyVersion); !written)
    return tl::unexpected(written.error());
  return session_.Get(LockPath(), Watch::kNo).map([](const Node& node) { return node.stat.modified_at; });
}

Result<std::optional<CleanUpPause>> CleanUp::ReadPause(Watch watch) {
  const auto exists = session_.Exists(paths_.CleanUpPause(), watch);
  if (!exists) return tl::unexpected(exists.error());
  if (!exists->has_value()) return std::nullopt;
  const auto node = session_.Get(paths_.CleanUpPause(), Watch::kNo);
  if (node) return ParseCleanUpPause(node->data);
  if (node.error().kind == ErrorKind::kNotFound) return std::nullopt;
  return tl::unexpected(node.error());
}

Result<bool> CleanUp::Pause(const CleanUpPause& pause) {
  if (auto made = session_.EnsurePath(paths_.Root()); !made) return tl::unexpected(made.error());
  const auto created = session_.Create(paths_.CleanUpPause(), Render(pause), Lifetime::kPersistent);
  if (created) return true;
  if (created.error().kind == ErrorKind::kAlreadyExists) return false;
  return tl::unexpected(created.error());
}

Result<bool> CleanUp::Resume() {
  const auto deleted = session_.Delete(paths_.CleanUpPause(), kAnyVersion);
  if (deleted) return true;
  if (deleted.error().kind == ErrorKind::kNotFound) return false;
  return tl::unexpected(deleted.error());
}

}  // namespace redis_zk::store
