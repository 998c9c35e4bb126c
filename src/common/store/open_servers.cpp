#include "store/open_servers.h"

#include <cstddef>

namespace redis_zk::store {

using zookeeper::Node;
using zookeeper::Watch;

Result<std::vector<OpenServer>> OpenServers::List() {
  // As with waits, one that is missing harms nobody.
  std::size_t closed = 0;
  auto listed = znodes_.List<OpenServer>(
      paths_.Open(), Watch::kNo,
      [](const std::string& /*uuid*/, const Node& node) { return ParseOpenServer(node.data); }, &closed);
  // The first open server makes it.
  if (!listed && listed.error().kind == ErrorKind::kNotFound) return std::vector<OpenServer>{};
  return listed;
}

Status OpenServers::Put(const std::string& uuid, const OpenServer& server) {
  if (auto made = session_.EnsurePath(paths_.Open()); !made) return made;
  return znodes_.PutEphemeral(paths_.Open() + '/' + uuid, Render(server));
}

}  // namespace redis_zk::store
