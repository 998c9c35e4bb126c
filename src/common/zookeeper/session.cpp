#include "zookeeper/session.h"

namespace redis_zk::zookeeper {

Status Session::EnsurePath(const std::string& path) {
  if (auto made = EnsureChroot(); !made) return made;
  for (std::size_t slash = 0; slash != std::string::npos;) {
    slash = path.find('/', slash + 1);
    if (auto made = EnsureNode(path.substr(0, slash)); !made) return made;
  }
  return {};
}

Status Session::EnsureNode(const std::string& path) {
  const auto there = Exists(path, Watch::kNo);
  if (!there) return tl::unexpected(there.error());
  if (there->has_value()) return {};
  const auto created = Create(path, "", Lifetime::kPersistent);
  if (!created && created.error().kind != ErrorKind::kAlreadyExists) return tl::unexpected(created.error());
  return {};
}

}  // namespace redis_zk::zookeeper
