#include "store/waits.h"

namespace redis_zk::store {

using zookeeper::Node;
using zookeeper::Watch;

Result<std::vector<Wait>> Waits::List() {
  // It is shown and nothing more: one that is missing does no harm.
  std::size_t closed = 0;
  auto listed = znodes_.List<Wait>(
      paths_.Waits(), Watch::kNo,
      [](const std::string& uuid, const Node& node) {
        auto wait = ParseWait(node.data);
        if (wait) wait->uuid = uuid;
        return wait;
      },
      &closed);
  // The first daemon that waits makes it.
  if (!listed && listed.error().kind == ErrorKind::kNotFound) return std::vector<Wait>{};
  return listed;
}

Status Waits::Put(const Wait& wait) {
  if (auto made = session_.EnsurePath(paths_.Waits()); !made) return made;
  return znodes_.PutEphemeral(paths_.Waits() + '/' + wait.uuid, Render(wait));
}

Status Waits::Remove(const std::string& uuid) { return znodes_.DeleteIfThere(paths_.Waits() + '/' + uuid); }

}  // namespace redis_zk::store
