// What wrappers tell of themselves in ZooKeeper, as another client finds it.
#pragma once

#include <vector>

#include "store/registry.h"

namespace redis_zk::testing {

inline std::vector<store::Report> Reports(store::Registry& registry) {
  return registry.reports.List().value_or(std::vector<store::Report>{});
}

inline std::vector<store::Wait> ReportedWaits(store::Registry& registry) {
  std::vector<store::Wait> waits;
  for (const auto& report : Reports(registry)) {
    if (report.wait) waits.push_back(*report.wait);
  }
  return waits;
}

}  // namespace redis_zk::testing
