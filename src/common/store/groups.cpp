#include "store/groups.h"

#include <utility>
#include <vector>

namespace redis_zk::store {

using zookeeper::kAnyVersion;
using zookeeper::Transaction;
using zookeeper::Watch;

Status Groups::Ensure(const std::string& group) {
  for (const auto& path : {paths_.Master(kDefaultGroup), paths_.Masters(group), paths_.Sentinels(),
                           paths_.Members(group), paths_.Lineage(group), paths_.History(group),
                           paths_.Datasets(group), paths_.Identities(), paths_.CleanUp()}) {
    if (auto made = session_.EnsurePath(path); !made) return made;
  }
  return {};
}

Result<std::vector<std::string>> Groups::List(Watch watch) {
  auto names = session_.Children(paths_.Masters(), watch);
  if (!names) return names;
  auto groups = znodes_.Bound(paths_.Masters(), std::move(*names));
  std::erase(groups, kDefaultGroup);
  groups.insert(groups.begin(), kDefaultGroup);
  return groups;
}

Status Groups::Remove(const std::string& group, const Record& found) {
  Transaction transaction;
  transaction.Add(Transaction::DeleteOp{paths_.Masters(group), found.version});
  std::vector<std::string> paths{paths_.Members(group), paths_.Lineage(group), paths_.History(group)};
  const std::string datasets = paths_.Datasets(group);
  const auto nodes = session_.Children(datasets, Watch::kNo);
  if (nodes) {
    for (const auto& node : *nodes) paths.push_back(datasets + '/' + node);
  } else if (nodes.error().kind != ErrorKind::kNotFound) {
    return tl::unexpected(nodes.error());
  }
  paths.push_back(datasets);
  for (const auto& path : paths) {
    const auto exists = session_.Exists(path, Watch::kNo);
    if (!exists) return tl::unexpected(exists.error());
    if (exists->has_value()) transaction.Add(Transaction::DeleteOp{path, kAnyVersion});
  }
  return session_.Commit(transaction);
}

}  // namespace redis_zk::store
