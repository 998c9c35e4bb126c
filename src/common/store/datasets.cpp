#include "store/datasets.h"

namespace redis_zk::store {

using zookeeper::Node;
using zookeeper::Watch;

Result<History> Datasets::ReadHistory(const std::string& group) {
  const std::string path = paths_.History(group);
  const auto node = session_.Get(path, Watch::kNo);
  if (!node) {
    if (node.error().kind == ErrorKind::kNotFound) return History{};
    return tl::unexpected(node.error());
  }
  if (node->data.empty()) return History{};
  auto history = ParseHistory(node->data);
  if (!history) {
    znodes_.WarnUnreadable(path, node->data, history.error().message, "counts as empty");
    return History{};
  }
  history->reported_at = node->stat.modified_at;
  return history;
}

Status Datasets::WriteHistory(const std::string& group, const History& history) {
  return znodes_.Put(paths_.History(group), Render(history));
}

Result<std::vector<KnownDataset>> Datasets::List(const std::string& group) {
  return znodes_.List<KnownDataset>(paths_.Datasets(group), Watch::kNo,
                                    [](const std::string& name, const Node& node) {
                                      auto known = ParseKnownDataset(node.data);
                                      if (known) {
                                        known->node = name;
                                        known->reported_at = node.stat.modified_at;
                                      }
                                      return known;
                                    });
}

Status Datasets::Report(const std::string& group, const KnownDataset& known) {
  return znodes_.Put(paths_.Datasets(group) + '/' + known.node, Render(known));
}

Status Datasets::Forget(const std::string& group, const std::string& node) {
  return znodes_.DeleteIfThere(paths_.Datasets(group) + '/' + node);
}

}  // namespace redis_zk::store
