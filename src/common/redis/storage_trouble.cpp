#include "redis/storage_trouble.h"

#include <algorithm>
#include <array>

namespace redis_zk::redis {

namespace {

// Of glibc, and where another one differs, of musl.
constexpr std::array<std::string_view, 7> kCauses{
    "No space left on device", "Disk quota exceeded", "Quota exceeded", "Read-only file system",
    "Input/output error",      "I/O error",           "File too large",
};

// Written where the kernel took a part of what was to be written, and gave no reason.
constexpr std::string_view kShortWrite = "Short write while writing to the AOF file";

}  // namespace

void StorageTrouble::Hear(std::string_view line, TimePoint now) {
  const auto* const cause = std::find_if(kCauses.begin(), kCauses.end(), [line](std::string_view each) {
    return line.find(each) != std::string_view::npos;
  });
  if (cause == kCauses.end() && line.find(kShortWrite) == std::string_view::npos) return;
  const std::lock_guard lock(mutex_);
  why_ = cause == kCauses.end() ? kCauses.front() : *cause;
  heard_at_ = now;
}

std::optional<std::string> StorageTrouble::Find(TimePoint now, Duration within) const {
  const std::lock_guard lock(mutex_);
  if (why_.empty() || now - heard_at_ >= within) return std::nullopt;
  return why_;
}

}  // namespace redis_zk::redis
