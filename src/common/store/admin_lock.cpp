#include "store/admin_lock.h"

#include "base/printable.h"

namespace redis_zk::store {

using zookeeper::Lifetime;
using zookeeper::Watch;

Status AdminLock::Take(const std::string& group, const std::string& who) {
  const std::string path = paths_.Admin() + '/' + group;
  if (auto made = session_.EnsurePath(paths_.Admin()); !made) return made;
  const auto created = session_.Create(path, who, Lifetime::kEphemeral);
  if (created) return {};
  if (created.error().kind != ErrorKind::kAlreadyExists) return tl::unexpected(created.error());
  const auto node = session_.Get(path, Watch::kNo);
  if (!node) return tl::unexpected(node.error());
  return Fail(ErrorKind::kAlreadyExists, Printable(node->data));
}

}  // namespace redis_zk::store
