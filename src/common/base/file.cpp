#include "base/file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "base/time.h"

namespace redis_zk {

namespace {

// Far more than any configuration has.
constexpr std::size_t kMostBytes = std::size_t{16} << 20;
// For a pipe, such as a shell's <(command): its writer may take a moment.
constexpr Duration kPatience = 2s;

ErrorKind KindOf(int failure) {
  switch (failure) {
    case ENOENT:
    case ENOTDIR:
      return ErrorKind::kNotFound;
    case EACCES:
    case EPERM:
      return ErrorKind::kRefused;
    default:
      return ErrorKind::kInvalid;
  }
}

Result<std::string> ReadAll(int fd) {
  const TimePoint deadline = Clock::now() + kPatience;
  std::string text;
  std::array<char, 16384> chunk{};
  while (text.size() <= kMostBytes) {
    const ssize_t length = read(fd, chunk.data(), chunk.size());
    if (length > 0) text.append(chunk.data(), static_cast<std::size_t>(length));
    if (length == 0) return text;
    if (length > 0 || errno == EINTR) continue;
    if (errno != EAGAIN) return Fail(ErrorKind::kInvalid, std::strerror(errno));
    pollfd readable{.fd = fd, .events = POLLIN, .revents = 0};
    if (poll(&readable, 1, static_cast<int>(Remaining(deadline, Clock::now()).count())) == 0)
      return Fail(ErrorKind::kInvalid,
                  fmt::format("nothing was written to it within {} ms", kPatience.count()));
  }
  return Fail(ErrorKind::kInvalid, fmt::format("it is larger than {} bytes", kMostBytes));
}

}  // namespace

ErrorKind KindOfWriteFailure(int failure) {
  switch (failure) {
    case ENOSPC:
    case EDQUOT:
    case EIO:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return ErrorKind::kUnavailable;
    default:
      return ErrorKind::kInvalid;
  }
}

Result<std::string> ReadTextFile(const std::string& path) {
  // Not waiting: to open a pipe that has no writer would take for ever.
  const int fd = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return Fail(KindOf(errno), std::strerror(errno));
  struct stat status {};
  const mode_t mode = fstat(fd, &status) == 0 ? status.st_mode : 0;
  auto text = ReadAll(fd);
  close(fd);
  if (S_ISFIFO(mode) && text && text->empty()) return Fail(ErrorKind::kInvalid, "a pipe without a writer");
  return text;
}

Result<std::string> ReadFirstLine(const std::string& path) {
  const auto text = ReadTextFile(path);
  if (!text)
    return Fail(ErrorKind::kInvalid, fmt::format("a readable file with one line ({})", text.error().message));
  return text->substr(0, text->find('\n'));
}

Status WriteFileAtomically(const std::string& path, std::string_view text) {
  const std::string draft = path + ".new";
  const auto failure = [&path, &draft] {
    const int why = errno;
    unlink(draft.c_str());
    return Fail(KindOfWriteFailure(why), fmt::format("cannot write {}: {}", path, std::strerror(why)));
  };
  unlink(draft.c_str());
  const int fd = open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return failure();
  const ssize_t written = write(fd, text.data(), text.size());
  const int write_errno = written < 0 ? errno : ENOSPC;
  // Else a power failure could leave the new name with nothing behind it.
  fdatasync(fd);
  close(fd);
  if (written != static_cast<ssize_t>(text.size())) {
    errno = write_errno;
    return failure();
  }
  if (std::rename(draft.c_str(), path.c_str()) != 0) return failure();
  return {};
}

std::string AbsolutePath(const std::string& path) {
  std::error_code ignored;
  const auto absolute = std::filesystem::absolute(path, ignored);
  return ignored ? path : absolute.lexically_normal().string();
}

}  // namespace redis_zk
