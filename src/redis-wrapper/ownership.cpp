#include "redis-wrapper/ownership.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/printable.h"

namespace redis_zk::redis_wrapper {

namespace {

bool Names(const store::Dataset& dataset, const std::string& id) {
  return dataset.replication_id == id || dataset.previous_id == id;
}

bool IsKnown(const std::string& id, const GroupMarks& marks) {
  if (id.empty()) return false;
  const auto& [history, datasets, own] = marks;
  return id == history.replication_id || Names(own, id) ||
         std::any_of(history.ancestors.begin(), history.ancestors.end(),
                     [&id](const auto& chapter) { return chapter.replication_id == id; }) ||
         std::any_of(datasets.begin(), datasets.end(),
                     [&id](const auto& known) { return Names(known.dataset, id); });
}

}  // namespace

bool BelongsToGroup(const redis::ServerInfo& info, const GroupMarks& marks) {
  if (marks.history.replication_id.empty()) return true;
  return IsKnown(info.replication_id, marks) || IsKnown(info.previous_replication_id, marks);
}

std::string DescribeStranger(const redis::ServerInfo& info) {
  return fmt::format("that server does not belong to this group (replication id {})",
                     Printable(info.replication_id));
}

}  // namespace redis_zk::redis_wrapper
