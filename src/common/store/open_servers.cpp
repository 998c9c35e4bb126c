#include "store/open_servers.h"

namespace redis_zk::store {

using zookeeper::Node;

Result<std::vector<OpenServer>> OpenServers::List() {
  return znodes_.ListShown<OpenServer>(paths_.Open(), [](const std::string& /*uuid*/, const Node& node) {
    return ParseOpenServer(node.data);
  });
}

Status OpenServers::Put(const std::string& uuid, const OpenServer& server) {
  return znodes_.PutShown(paths_.Open(), uuid, Render(server));
}

}  // namespace redis_zk::store
