#include "store/waits.h"

namespace redis_zk::store {

using zookeeper::Node;

Result<std::vector<Wait>> Waits::List() {
  return znodes_.ListShown<Wait>(paths_.Waits(), [](const std::string& uuid, const Node& node) {
    auto wait = ParseWait(node.data);
    if (wait) wait->uuid = uuid;
    return wait;
  });
}

Status Waits::Put(const Wait& wait) { return znodes_.PutShown(paths_.Waits(), wait.uuid, Render(wait)); }

Status Waits::Remove(const std::string& uuid) { return znodes_.DeleteIfThere(paths_.Waits() + '/' + uuid); }

}  // namespace redis_zk::store
