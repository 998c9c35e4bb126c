#include "daemon/run_directory.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <functional>

#include "base/file.h"

namespace redis_zk::daemon {

namespace {

constexpr mode_t kOthers = S_IRWXG | S_IRWXO;

}  // namespace

std::string RunDirectoryOf(const ServerOptions& options) {
  if (!options.run_dir.empty()) return options.run_dir;
  return fmt::format("{}/redis-zk-{}-{:016x}", TemporaryDirectory(), options.port,
                     std::hash<std::string>{}(AbsolutePath(options.work_dir)));
}

std::string TemporaryDirectory() {
  const char* const set = std::getenv("TMPDIR");
  return set != nullptr && *set != '\0' ? set : "/tmp";
}

std::string ConfName(std::string_view daemon, std::int64_t port) {
  return fmt::format("{}-{}.conf", daemon, port);
}

std::string HealthName(std::int64_t port) { return fmt::format("health-{}", port); }

Status MakeRunDirectory(const ServerOptions& options) {
  if (!options.run_dir.empty()) return {};
  const std::string path = RunDirectoryOf(options);
  if (mkdir(path.c_str(), S_IRWXU) == 0) return {};
  if (errno != EEXIST)
    return Fail(KindOfWriteFailure(errno), fmt::format("cannot make {}: {}", path, std::strerror(errno)));
  // Everybody may write where it stands: what another user put there is not trusted with passwords.
  struct stat status {};
  if (lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid() &&
      (status.st_mode & kOthers) == 0)
    return {};
  return Fail(ErrorKind::kInvalid,
              fmt::format("{} belongs to another user or is open to others: remove it or set RUN_DIR", path));
}

void RemoveRunDirectory(const ServerOptions& options) {
  if (options.run_dir.empty()) rmdir(RunDirectoryOf(options).c_str());
}

}  // namespace redis_zk::daemon
