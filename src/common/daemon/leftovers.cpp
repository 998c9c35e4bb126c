#include "daemon/leftovers.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "daemon/run_directory.h"
#include "os/descriptor.h"

namespace redis_zk::daemon {

namespace {

constexpr std::array<std::string_view, 2> kDaemons{"redis-wrapper", "sentinel-wrapper"};
// Behind the name of a configuration: our own draft, and Redis' when it rewrites its file (mkostemp).
constexpr std::string_view kDraft = ".new";
constexpr std::size_t kRewriteLength = 7;

// Whether random letters and digits stand there, of which hardly any are of one kind, as a person's words
// are:
// ".backup", ".202611".
bool IsRandom(std::string_view text) {
  const auto all = [text](int (*kind)(int)) {
    return std::all_of(text.begin(), text.end(), [kind](unsigned char c) { return kind(c) != 0; });
  };
  return all(std::isalnum) && !all(std::islower) && !all(std::isupper) && !all(std::isdigit);
}

bool IsDraft(std::string_view suffix) {
  return suffix == kDraft ||
         (suffix.size() == kRewriteLength && suffix.front() == '.' && IsRandom(suffix.substr(1)));
}

// `name`: of a configuration.
bool IsConfOrDraft(std::string_view found, std::string_view name) {
  return found.starts_with(name) && (found.size() == name.size() || IsDraft(found.substr(name.size())));
}

std::vector<std::string> NamesIn(const os::Descriptor& directory) {
  std::vector<std::string> names;
  // Apart from `directory`, whose position it would move.
  const int fd = openat(directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(fd < 0 ? nullptr : fdopendir(fd), closedir);
  if (!stream) {
    if (fd >= 0) close(fd);
    return names;
  }
  while (const dirent* const entry = readdir(stream.get())) names.emplace_back(entry->d_name);
  return names;
}

// Whether `name` is a regular file of our user.
bool IsOurs(const os::Descriptor& directory, const std::string& name, struct stat* status) {
  return fstatat(directory.get(), name.c_str(), status, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISREG(status->st_mode) && status->st_uid == geteuid();
}

std::size_t RemoveConfs(const os::Descriptor& directory, const std::vector<std::string>& names,
                        std::string_view conf) {
  return static_cast<std::size_t>(std::count_if(names.begin(), names.end(), [&](const auto& name) {
    struct stat status {};
    return IsConfOrDraft(name, conf) && IsOurs(directory, name, &status) &&
           unlinkat(directory.get(), name.c_str(), 0) == 0;
  }));
}

// The port of a health file's name.
std::optional<std::int64_t> PortIn(std::string_view name) {
  constexpr std::string_view kHealth = "health-";
  if (!name.starts_with(kHealth)) return std::nullopt;
  std::int64_t port = 0;
  const char* const end = name.data() + name.size();
  const auto [last, error] = std::from_chars(name.data() + kHealth.size(), end, port);
  if (error != std::errc() || last != end) return std::nullopt;
  return port;
}

// Holds the lock of a health file whose wrapper is dead. Invalid: it lives, or the file is not ours.
os::Descriptor LockOfTheDead(const os::Descriptor& directory, const std::string& health) {
  os::Descriptor file(
      openat(directory.get(), health.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat opened {};
  struct stat named {};
  if (file.valid() && flock(file.get(), LOCK_EX | LOCK_NB) == 0 && fstat(file.get(), &opened) == 0 &&
      IsOurs(directory, health, &named) && opened.st_ino == named.st_ino && opened.st_dev == named.st_dev)
    return file;
  return {};
}

// How many files of the dead were removed.
std::size_t Clear(const os::Descriptor& directory) {
  std::size_t removed = 0;
  const auto names = NamesIn(directory);
  for (const auto& name : names) {
    const auto port = PortIn(name);
    if (!port) continue;
    const auto lock = LockOfTheDead(directory, name);
    if (!lock.valid()) continue;
    for (const auto daemon : kDaemons) removed += RemoveConfs(directory, names, ConfName(daemon, *port));
    // Last: it is what tells that the others are of the dead.
    if (unlinkat(directory.get(), name.c_str(), 0) == 0) ++removed;
  }
  return removed;
}

void Say(std::size_t removed, const std::string& path) {
  if (removed == 0) return;
  log::Info({.event = "leftovers-removed"},
            "removed {} generated {} of a wrapper that did not end by itself, in {}", removed,
            removed == 1 ? "file" : "files", path);
}

// "redis-zk-6379-0123456789abcdef", as RunDirectoryOf makes it.
bool IsRunDirectory(std::string_view name) {
  constexpr std::string_view kPrefix = "redis-zk-";
  constexpr std::size_t kHash = 16;
  if (!name.starts_with(kPrefix)) return false;
  name.remove_prefix(kPrefix.size());
  const auto dash = name.find('-');
  if (dash == std::string_view::npos || name.size() - dash - 1 != kHash) return false;
  const auto are = [](std::string_view text, int (*kind)(int)) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [kind](unsigned char c) { return kind(c) != 0; });
  };
  return are(name.substr(0, dash), std::isdigit) && are(name.substr(dash + 1), std::isxdigit);
}

}  // namespace

void RemoveLeftovers(const ServerOptions& options) {
  const std::string path = options.run_dir.empty() ? TemporaryDirectory() : options.run_dir;
  const os::Descriptor directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) return;
  if (!options.run_dir.empty()) {
    Say(Clear(directory), path);
    return;
  }
  for (const auto& name : NamesIn(directory)) {
    if (!IsRunDirectory(name)) continue;
    const os::Descriptor own(
        openat(directory.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat status {};
    if (!own.valid() || fstat(own.get(), &status) != 0 || status.st_uid != geteuid()) continue;
    const auto removed = Clear(own);
    Say(removed, path + '/' + name);
    // One in which nothing was may be another wrapper's that has just made it.
    if (removed > 0) unlinkat(directory.get(), name.c_str(), AT_REMOVEDIR);
  }
}

void RemoveConf(const std::string& path) {
  const std::filesystem::path conf(path);
  const os::Descriptor directory(open(conf.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.valid()) RemoveConfs(directory, NamesIn(directory), conf.filename().string());
}

}  // namespace redis_zk::daemon
