#include "daemon/watched_files.h"

#include <sys/stat.h>

#include <utility>

namespace redis_zk::daemon {

namespace {

constexpr Duration kLookAtFilesEvery = 1s;

}  // namespace

WatchedFiles::WatchedFiles(std::vector<std::string> paths) : paths_(std::move(paths)) {
  read_ = seen_ = Stat();
}

std::vector<WatchedFiles::Stamp> WatchedFiles::Stat() const {
  std::vector<Stamp> stamps;
  for (const auto& path : paths_) {
    Stamp& stamp = stamps.emplace_back();
    struct stat status {};
    if (!path.empty() && stat(path.c_str(), &status) == 0)
      stamp = {status.st_dev, status.st_ino, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
  }
  return stamps;
}

bool WatchedFiles::HaveChanged(TimePoint now) {
  if (now < look_at_) return false;
  look_at_ = now + kLookAtFilesEvery;
  auto stamps = Stat();
  const bool same = std::exchange(seen_, std::move(stamps)) == seen_;
  return same && seen_ != read_;
}

bool WatchedFiles::NoteRead() { return std::exchange(read_, seen_) != seen_; }

}  // namespace redis_zk::daemon
