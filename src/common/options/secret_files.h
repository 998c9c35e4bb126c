// Files that hold a secret, and whether other users of this host may read or change them.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace redis_zk {

struct SecretFile {
  std::string option;
  std::string place;  // where the option came from, for people
  std::string path;
};

// What is wrong with a file of this mode and owner for a process of `user`: what was found and what was
// expected. Nothing: it is closed to others.
std::optional<std::string> FindFault(mode_t mode, uid_t owner, uid_t user);

// A line for each file that is open to others; of a link, what it leads to counts. What cannot be looked at
// has none.
std::vector<std::string> FindOpen(const std::vector<SecretFile>& files);

}  // namespace redis_zk
