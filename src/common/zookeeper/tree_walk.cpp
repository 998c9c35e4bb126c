#include "zookeeper/tree_walk.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace redis_zk::zookeeper {

TreeWalk::TreeWalk(Session& session, std::string root) : session_(session), pending_{std::move(root)} {}

Result<std::vector<TreeWalk::Entry>> TreeWalk::Next(std::size_t most) {
  while (true) {
    if (auto listed = ListChildren(); !listed) return tl::unexpected(listed.error());
    if (pending_.empty()) return std::vector<Entry>{};
    auto entries = ReadAcls(most);
    // Nothing: all of them have vanished.
    if (!entries || !entries->empty()) return entries;
  }
}

Status TreeWalk::ListChildren() {
  const auto children = session_.ChildrenOfAll(parents_, Watch::kNo);
  std::vector<std::string> found;
  for (std::size_t i = 0; i < parents_.size(); ++i) {
    if (!children[i]) {
      const ErrorKind kind = children[i].error().kind;
      if (kind == ErrorKind::kNotFound || kind == ErrorKind::kDenied) continue;
      return tl::unexpected(children[i].error());
    }
    for (const auto& name : *children[i]) found.push_back(parents_[i] + '/' + name);
  }
  parents_.clear();
  pending_.insert(pending_.end(), found.begin(), found.end());
  return {};
}

Result<std::vector<TreeWalk::Entry>> TreeWalk::ReadAcls(std::size_t most) {
  const auto end = pending_.begin() + static_cast<std::ptrdiff_t>(std::min(most, pending_.size()));
  const std::vector<std::string> paths(pending_.begin(), end);
  auto acls = session_.Acls(paths);
  std::vector<Entry> entries;
  std::vector<std::string> parents;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (acls[i]) {
      parents.push_back(paths[i]);
    } else if (acls[i].error().kind == ErrorKind::kNotFound) {
      continue;
    } else if (acls[i].error().kind != ErrorKind::kDenied) {
      return tl::unexpected(acls[i].error());
    }
    entries.push_back({paths[i], std::move(acls[i])});
  }
  pending_.erase(pending_.begin(), end);
  parents_ = std::move(parents);
  return entries;
}

}  // namespace redis_zk::zookeeper
