#include "store/certificates.h"

namespace redis_zk::store {

using zookeeper::Node;

Result<std::vector<NodeCertificates>> Certificates::List() {
  return znodes_.ListShown<NodeCertificates>(
      paths_.Certificates(),
      [](const std::string& /*uuid*/, const Node& node) { return ParseNodeCertificates(node.data); });
}

Status Certificates::Put(const std::string& uuid, const NodeCertificates& node) {
  return znodes_.PutShown(paths_.Certificates(), uuid, Render(node));
}

}  // namespace redis_zk::store
