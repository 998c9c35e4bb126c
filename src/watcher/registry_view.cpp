#include "watcher/registry_view.h"

#include "watcher/expiring.h"

namespace redis_zk::watcher {

Topology TopologyOf(const RegistryView& view, const std::string& default_group) {
  Topology topology{.default_group = default_group,
                    .sentinels = view.sentinels,
                    .groups = view.groups,
                    .waiting = view.waiting,
                    .serving = view.serving,
                    .incomplete = view.incomplete,
                    .priorities = view.priorities,
                    .versions = view.versions,
                    .sentinel_ids = view.sentinel_ids,
                    .waits = view.waits,
                    .known_at = view.known_at,
                    .read_took = view.read_took,
                    .pauses = view.pauses,
                    .wrappers = view.wrappers,
                    .certificates = CertificatesOf(view.wrappers)};
  std::erase_if(topology.groups, [&view](const auto& entry) { return !Exists(view, entry.first); });
  return topology;
}

}  // namespace redis_zk::watcher
