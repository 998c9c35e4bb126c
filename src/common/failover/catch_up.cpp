#include "failover/catch_up.h"

#include <fmt/core.h>

#include <algorithm>

namespace redis_zk::failover {

CatchUp::Seen CatchUp::Look(const OldMaster& old_master, redis::Servers& servers) {
  const auto master = old_master.AskInfo();
  if (!master) return {.hopeless = true, .why = master.error().message};
  if (!beginning_) beginning_ = master->offset;
  std::vector<Endpoint> attached;
  for (const auto& replica : master->replicas) {
    if (Contains(replicas_, replica.endpoint)) attached.push_back(replica.endpoint);
  }
  if (preferred_ && !Contains(attached, *preferred_))
    return {.hopeless = true,
            .why = fmt::format("replica {} is no longer attached", preferred_->ToAddress())};
  if (attached.empty()) return {.hopeless = true, .why = "no replica is attached any more"};
  std::string behind;
  const auto infos = servers.AskInfos(attached);
  for (std::size_t i = 0; i < attached.size(); ++i) {
    if (!infos[i]) {
      behind = infos[i].error().message;
    } else if (infos[i]->offset < std::max(*beginning_, master->offset - slack_)) {
      behind = fmt::format("replica {} is {} bytes behind", attached[i].ToAddress(),
                           master->offset - infos[i]->offset);
    }
  }
  const bool arrived = behind.empty();
  return {.arrived = arrived,
          .replication_id = master->replication_id,
          .offset = master->offset,
          .why = std::move(behind)};
}

}  // namespace redis_zk::failover
