#include "options/secret_files.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/printable.h"

namespace redis_zk {

namespace {

constexpr uid_t kRoot = 0;
constexpr mode_t kOwnMode = S_IRUSR | S_IWUSR;
constexpr mode_t kPermissions = S_IRWXU | S_IRWXG | S_IRWXO;

}  // namespace

std::optional<std::string> FindFault(mode_t mode, uid_t owner, uid_t user) {
  // We read a file of root's through its group or an ACL, which shows as the group's rights: this is how
  // schedulers and systemd's LoadCredential= hand secrets over.
  const mode_t expected = owner == kRoot && user != kRoot ? kOwnMode | S_IRGRP : kOwnMode;
  const bool is_open = (mode & (S_IRWXG | S_IRWXO) & ~expected) != 0;
  if (!is_open && (owner == user || owner == kRoot)) return std::nullopt;
  return fmt::format("found mode {:04o} and owner {}, expected mode {:04o} or stricter and owner {}",
                     mode & kPermissions, owner, expected,
                     user == kRoot ? std::string("0") : fmt::format("{} or 0", user));
}

std::vector<std::string> FindOpen(const std::vector<SecretFile>& files) {
  std::vector<std::string> lines;
  for (const auto& [option, place, path] : files) {
    struct stat status {};
    if (stat(path.c_str(), &status) != 0) continue;
    if (const auto fault = FindFault(status.st_mode, status.st_uid, geteuid())) {
      lines.push_back(fmt::format("{} ({}): {} is open to other users of this host: {}", option, place,
                                  Printable(path), *fault));
    }
  }
  return lines;
}

}  // namespace redis_zk
