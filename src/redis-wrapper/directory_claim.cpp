#include "redis-wrapper/directory_claim.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

namespace redis_zk::redis_wrapper {

DirectoryClaim::~DirectoryClaim() {
  if (descriptor_ >= 0) close(descriptor_);
}

Status DirectoryClaim::Take() {
  if (descriptor_ < 0) descriptor_ = open(dir_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  // A file system without locks is no obstacle.
  if (descriptor_ < 0 || flock(descriptor_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return {};
  return Fail(
      ErrorKind::kAlreadyExists,
      fmt::format("another running redis-wrapper uses the data directory {}; give each its own (WORK_DIR, or "
                  "\"dir\" in REDIS_CONF)",
                  dir_));
}

}  // namespace redis_zk::redis_wrapper
