#include "redis-wrapper/data_files_check.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "base/printable.h"

namespace redis_zk::redis_wrapper {

namespace {

using Loads = LoadPlan::Loads;

// Nothing: it can be read, or is not there.
std::optional<Unreadable> WhyUnreadable(const std::string& path, int flags) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | flags);
  if (descriptor >= 0) {
    close(descriptor);
    return std::nullopt;
  }
  const int reason = errno;
  if (reason == ENOENT) return std::nullopt;
  if (reason == EACCES || reason == EPERM || reason == ENOTDIR || reason == ELOOP) {
    return Unreadable{
        fmt::format("cannot read {}: {}; give the user of redis-wrapper (id {}) the right to read "
                    "it, or correct \"dir\" in REDIS_CONF",
                    Printable(path), std::strerror(reason), geteuid()),
        true};
  }
  return Unreadable{fmt::format("cannot read {}: {}; remove that reason, then start this node again",
                                Printable(path), std::strerror(reason)),
                    false};
}

// FNV-1a.
class Digest {
 public:
  void Add(std::string_view bytes) {
    for (const char byte : bytes) value_ = (value_ ^ static_cast<unsigned char>(byte)) * 1'099'511'628'211U;
  }
  // As far as every reader of JSON keeps integers.
  std::int64_t Number() const { return static_cast<std::int64_t>(value_ & ((1ULL << 53U) - 1)); }

 private:
  std::uint64_t value_ = 14'695'981'039'346'656'037U;
};

std::string DamageOf(const std::string& path, bool is_rdb) {
  struct stat facts {};
  if (stat(path.c_str(), &facts) != 0) return fmt::format("{}: {}", Printable(path), std::strerror(errno));
  if (!is_rdb) return "";
  const auto header = ReadRdbHeader(path);
  return header ? "" : fmt::format("{}: expected {}", Printable(path), header.error().message);
}

}  // namespace

std::optional<Unreadable> FindUnreadable(const DataFiles& files, Loads loads) {
  if (auto why = WhyUnreadable(files.dir, O_DIRECTORY)) return why;
  if (!files.append_only && !files.snapshots) return std::nullopt;
  // Of a file that cannot even be looked at the plan knows nothing.
  std::vector<std::string> paths = FilesIn(files, files.append_only ? Loads::kAppendOnly : Loads::kSnapshot);
  for (auto& path : FilesIn(files, loads)) paths.push_back(std::move(path));
  for (const auto& path : paths) {
    if (auto why = WhyUnreadable(path, 0)) return why;
  }
  return std::nullopt;
}

std::int64_t IdentifyFiles(const DataFiles& files, Loads loads) {
  Digest digest;
  bool any = false;
  for (const auto& path : FilesIn(files, loads)) {
    struct stat facts {};
    if (stat(path.c_str(), &facts) != 0) continue;
    any = true;
    digest.Add(fmt::format("{} {} {} {}.{}\n", path.substr(files.dir.size()), facts.st_ino, facts.st_size,
                           facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec));
  }
  return any ? digest.Number() : 0;
}

std::string FindDamage(const DataFiles& files, Loads loads) {
  const auto paths = FilesIn(files, loads);
  const bool in_parts = paths.size() > 1;
  for (const auto& path : paths) {
    const bool is_manifest = loads == Loads::kAppendOnly && &path == &paths.front();
    // Before Redis 7 there was none.
    if (is_manifest && !(in_parts && access(path.c_str(), F_OK) == 0)) continue;
    auto damage = DamageOf(path, loads == Loads::kSnapshot || path.ends_with(".base.rdb"));
    if (!damage.empty()) return damage;
  }
  return "";
}

}  // namespace redis_zk::redis_wrapper
