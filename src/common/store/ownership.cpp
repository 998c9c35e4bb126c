#include "store/ownership.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/printable.h"

namespace redis_zk::store {

namespace {

bool Names(const Dataset& dataset, const std::string& id) {
  return dataset.replication_id == id || dataset.previous_id == id || dataset.copy_of == id;
}

}  // namespace

bool IsKnown(const std::string& replication_id, const History& history,
             const std::vector<KnownDataset>& datasets) {
  const std::string& id = replication_id;
  if (id.empty()) return false;
  return id == history.replication_id ||
         std::any_of(history.ancestors.begin(), history.ancestors.end(),
                     [&id](const auto& chapter) { return chapter.replication_id == id; }) ||
         std::any_of(datasets.begin(), datasets.end(),
                     [&id](const auto& known) { return Names(known.dataset, id); });
}

bool BelongsToGroup(const redis::ServerInfo& info, const GroupMarks& marks) {
  if (marks.history.replication_id.empty()) return true;
  const auto is_known = [&marks](const std::string& id) {
    return IsKnown(id, marks.history, marks.datasets) || (!id.empty() && Names(marks.own, id));
  };
  return is_known(info.replication_id) || is_known(info.previous_replication_id);
}

std::string DescribeStranger(const redis::ServerInfo& info) {
  return fmt::format("that server does not belong to this group (replication id {})",
                     Printable(info.replication_id));
}

}  // namespace redis_zk::store
