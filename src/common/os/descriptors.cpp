#include "os/descriptors.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace redis_zk::os {

namespace {

// What getdents64(2) fills in.
struct DirectoryEntry {
  std::uint64_t inode;
  std::int64_t offset;
  unsigned short length;
  unsigned char type;
  std::array<char, 1> name;  // and what follows it
};

// -1: not a number, as "." and "..".
int NumberIn(const char* name) {
  int number = 0;
  for (; *name != '\0'; ++name) {
    if (*name < '0' || *name > '9') return -1;
    number = number * 10 + (*name - '0');
  }
  return number;
}

bool CloseRange(unsigned first, unsigned last) {
  return first > last || syscall(SYS_close_range, first, last, 0U) == 0;
}

}  // namespace

void CloseDescriptorsFrom(int first, int kept) {
  const auto middle = static_cast<unsigned>(kept);
  const bool closed = kept < first
                          ? CloseRange(static_cast<unsigned>(first), ~0U)
                          : (kept == first || CloseRange(static_cast<unsigned>(first), middle - 1)) &&
                                CloseRange(middle + 1, ~0U);
  if (closed || CloseListedDescriptors(first, kept)) return;
  // Neither: what any program of ours has open lies below.
  constexpr int kSome = 65536;
  for (int fd = first; fd < kSome; ++fd) {
    if (fd != kept) close(fd);
  }
}

bool CloseListedDescriptors(int first, int kept) {
  const int directory = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return false;
  alignas(DirectoryEntry) std::array<char, 4096> buffer{};
  while (true) {
    const long length = syscall(SYS_getdents64, directory, buffer.data(), buffer.size());
    if (length <= 0) break;
    for (long at = 0; at < length;) {
      const auto* entry = reinterpret_cast<const DirectoryEntry*>(buffer.data() + at);
      const int fd = NumberIn(buffer.data() + at + offsetof(DirectoryEntry, name));
      if (fd >= first && fd != kept && fd != directory) close(fd);
      at += entry->length;
    }
  }
  close(directory);
  return true;
}

std::size_t RaiseDescriptorLimit(std::size_t most) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const rlim_t wanted = std::min<rlim_t>(limit.rlim_max, most);
  if (wanted > limit.rlim_cur) {
    rlimit raised = limit;
    raised.rlim_cur = wanted;
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  return static_cast<std::size_t>(limit.rlim_cur);
}

void OpenStandardStreams() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    // The lowest free number is the one that open takes.
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0) return;
  }
}

}  // namespace redis_zk::os
