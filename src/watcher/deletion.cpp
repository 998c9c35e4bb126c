#include "watcher/deletion.h"

#include <fmt/core.h>

#include "store/paths.h"

namespace redis_zk::watcher {

std::optional<std::string> FindLife(const DeletionView& view) {
  if (view.group == store::kDefaultGroup || view.group == view.own_group)
    return view.group + " cannot be deleted: watchers always create this group";
  if (!view.members.empty()) {
    return fmt::format("{} is still registered in {}; stop it first",
                       view.members.front().endpoint.ToAddress(), view.group);
  }
  if (!view.answering.empty()) {
    return fmt::format("{} still answers as a master of {}; stop it first",
                       view.answering.begin()->ToAddress(), view.group);
  }
  for (const auto& report : view.reports) {
    if (report.master_down || !report.master_connected) continue;
    return fmt::format("Sentinel {} reports the master {} as up", report.sentinel.ToAddress(),
                       report.master.ToAddress());
  }
  return std::nullopt;
}

}  // namespace redis_zk::watcher
