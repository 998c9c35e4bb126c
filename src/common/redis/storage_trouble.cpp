#include "redis/storage_trouble.h"

#include <algorithm>
#include <array>

namespace redis_zk::redis {

namespace {

constexpr Duration kLasts = 60s;

// Of glibc, and where another one differs, of musl; but for its "I/O error", which servers also say of a
// link.
constexpr std::array<std::string_view, 6> kCauses{
    "No space left on device", "Disk quota exceeded", "Quota exceeded",
    "Read-only file system",   "Input/output error",  "File too large",
};

// Written where the kernel took a part of what was to be written, and gave no reason.
constexpr std::string_view kShortWrite = "Short write while writing to the AOF file";

// Of a copy of a master's data: "needed for MASTER <-> REPLICA synchronization".
constexpr std::string_view kCopy = "<-> REPLICA synchronization";

}  // namespace

void StorageTrouble::Hear(std::string_view line, TimePoint now) {
  const auto* const cause = std::find_if(kCauses.begin(), kCauses.end(), [line](std::string_view each) {
    return line.find(each) != std::string_view::npos;
  });
  if (cause == kCauses.end() && line.find(kShortWrite) == std::string_view::npos) return;
  const std::lock_guard lock(mutex_);
  why_ = cause == kCauses.end() ? kCauses.front() : *cause;
  heard_at_ = now;
  if (line.find(kCopy) != std::string_view::npos) copy_failed_at_ = now;
}

std::optional<std::string> StorageTrouble::Find(TimePoint now) const {
  const std::lock_guard lock(mutex_);
  if (why_.empty() || now - heard_at_ >= kLasts) return std::nullopt;
  return why_;
}

std::optional<TimePoint> StorageTrouble::copy_failed_at() const {
  const std::lock_guard lock(mutex_);
  return copy_failed_at_;
}

}  // namespace redis_zk::redis
