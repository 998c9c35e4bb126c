#include "store/clean_up.h"

namespace redis_zk::store {

using zookeeper::kAnyVersion;
using zookeeper::Node;
using zookeeper::Watch;

Result<std::int64_t> CleanUp::AskTime() {
  if (auto written = session_.Set(LockPath(), "", kAnyVersion); !written)
    return tl::unexpected(written.error());
  return session_.Get(LockPath(), Watch::kNo).map([](const Node& node) { return node.stat.modified_at; });
}

}  // namespace redis_zk::store
