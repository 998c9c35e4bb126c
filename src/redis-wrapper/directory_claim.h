// The right to use a data directory: two servers in one would overwrite each other's files, and one node's
// data would be known under another's name.
//
// Same thread as its owner.
#pragma once

#include <string>
#include <utility>

#include "base/result.h"

namespace redis_zk::redis_wrapper {

class DirectoryClaim {
 public:
  explicit DirectoryClaim(std::string dir) : dir_(std::move(dir)) {}
  // The claim goes on for as long as a process lives that inherited the descriptor.
  ~DirectoryClaim();
  DirectoryClaim(const DirectoryClaim&) = delete;
  DirectoryClaim& operator=(const DirectoryClaim&) = delete;

  // kAlreadyExists: another process has it; it can be tried again. A directory that cannot be opened or
  // locked is no error: whether it can be used is for the server to say.
  Status Take();
  // For the server: what it saves outlives a wrapper that is killed. -1: none.
  int descriptor() const { return descriptor_; }

 private:
  const std::string dir_;
  int descriptor_ = -1;
};

}  // namespace redis_zk::redis_wrapper
