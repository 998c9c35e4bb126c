#include "store/sentinels.h"

#include <utility>

namespace redis_zk::store {

using zookeeper::Node;
using zookeeper::Watch;

Result<std::vector<Sentinel>> Sentinels::List(Watch watch, std::size_t* closed) {
  return znodes_.List<Sentinel>(
      paths_.Sentinels(), watch,
      [](const std::string& uuid, const Node& node) -> Result<Sentinel> {
        return ParseRecord(node.data).map([&](Endpoint&& endpoint) {
          return Sentinel{uuid, std::move(endpoint), node.stat.ephemeral_owner != 0};
        });
      },
      closed);
}

Status Sentinels::Register(const Sentinel& sentinel) {
  return znodes_.PutEphemeral(paths_.Sentinels() + '/' + sentinel.uuid, sentinel.endpoint.ToRecord());
}

Status Sentinels::Unregister(const std::string& uuid) {
  const std::string path = paths_.Sentinels() + '/' + uuid;
  const auto found = session_.Exists(path, Watch::kNo);
  if (!found) return tl::unexpected(found.error());
  // Nothing, or that of a successor on the same identity.
  if (!*found || (*found)->ephemeral_owner != session_.id()) return {};
  return znodes_.DeleteIfThere(path);
}

}  // namespace redis_zk::store
