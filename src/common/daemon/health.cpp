#include "daemon/health.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>

#include "base/exit_code.h"
#include "daemon/run_directory.h"

namespace redis_zk::daemon {

namespace {

constexpr std::string_view kReady = "ready: ";
constexpr std::string_view kNotReady = "not ready: ";
// All of it is written at once, whatever the sentence's length.
constexpr off_t kSize = 1024;
constexpr Duration kTouchInterval = 1s;
// Far beyond what a lost answer of ZooKeeper can hold the loop up for.
constexpr Duration kLoopPatience = 15s;
// Docker keeps 2 for itself.
constexpr int kExitNotReady = 1;

std::string PathOf(const ServerOptions& options) {
  return fmt::format("{}/{}", RunDirectoryOf(options), HealthName(options.port));
}

// What the wrapper said last, as `healthcheck` reads it: its line, and how long ago its loop turned. Nothing:
// no wrapper is there to hold the lock.
struct Heard {
  std::string line;
  std::chrono::seconds age;
};
std::optional<Heard> Hear(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  std::array<char, kSize> text{};
  struct stat status {};
  const bool alive = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  const ssize_t length = pread(fd, text.data(), text.size(), 0);
  const bool known = alive && length > 0 && fstat(fd, &status) == 0;
  close(fd);
  if (!known) return std::nullopt;
  const std::string_view line(text.data(), static_cast<std::size_t>(length));
  const auto touched = std::chrono::system_clock::from_time_t(status.st_mtim.tv_sec);
  return Heard{std::string(line.substr(0, line.find('\n'))),
               std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now() - touched)};
}

}  // namespace

HealthFile::HealthFile(const ServerOptions& options) : options_(options), path_(PathOf(options)) {
  TryOpen();
}

HealthFile::~HealthFile() {
  if (fd_ >= 0) {
    unlink(path_.c_str());
    close(fd_);
  }
  RemoveRunDirectory(options_);
}

bool HealthFile::TryOpen() {
  if (const auto made = MakeRunDirectory(options_); !made) {
    log_problem_(log::Severity::kWarn, {.event = "health-file-failed"},
                 made.error().message + "; health checks fail until that is solved");
    return false;
  }
  fd_ = open(path_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd_ >= 0 && flock(fd_, LOCK_EX | LOCK_NB) == 0) {
    // Not yet what another one left: until then its lock is free.
    if (posix_fallocate(fd_, 0, kSize) == 0) {
      log_problem_.Reset();
      return true;
    }
  }
  log_problem_(
      log::Severity::kWarn, {.event = "health-file-failed"},
      fmt::format(
          "cannot write {}, or another wrapper uses it; health checks fail until that is solved: give "
          "each wrapper its own RUN_DIR or PORT0",
          path_));
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
  return false;
}

void HealthFile::Write() {
  std::string block = said_.substr(0, kSize - 1);
  block.resize(kSize, '\n');
  // It has its place already; what fails all the same shows by its age.
  if (fd_ >= 0 && pwrite(fd_, block.data(), block.size(), 0) != static_cast<ssize_t>(kSize)) said_.clear();
}

void HealthFile::Say(bool ready, std::string_view what) {
  std::string line = fmt::format("{}{}", ready ? kReady : kNotReady, what);
  if (line == said_) return;
  said_ = std::move(line);
  Write();
}

void HealthFile::Touch(TimePoint now) {
  if (now < touch_at_) return;
  touch_at_ = now + kTouchInterval;
  struct stat status {};
  if (fd_ >= 0 && fstat(fd_, &status) == 0 && status.st_nlink == 0) {
    close(fd_);
    fd_ = -1;
  }
  // A health check that looked at what an earlier wrapper left may have held the lock for a moment.
  const bool opened = fd_ < 0 && TryOpen();
  if (opened || (fd_ >= 0 && status.st_size != kSize)) Write();
  // An old line must not look like a fresh one.
  if (fd_ >= 0 && !said_.empty()) futimens(fd_, nullptr);
}

void AddHealthCheck(Options& options) {
  options.AddCommand(std::string(kHealthCheck),
                     "prints how the wrapper is that was started with the same options; ends with 0 if it "
                     "is ready",
                     {"WORK_DIR", "RUN_DIR", "PORT0", "ZK_SESSION_TIMEOUT"});
}

int CheckHealth(const CommonOptions& common, const ServerOptions& options) {
  const auto heard = Hear(PathOf(options));
  if (!heard) {
    std::printf("not ready: no wrapper runs here with WORK_DIR=%s and PORT0=%lld, whose word stands in %s\n",
                options.work_dir.c_str(), static_cast<long long>(options.port),
                RunDirectoryOf(options).c_str());
    return kExitNotReady;
  }
  // In either direction: the clock may have been set.
  if (std::chrono::abs(heard->age) > kLoopPatience + common.zk_session_timeout) {
    std::printf("not ready: no heartbeat from the wrapper for %lld s; last status: %s\n",
                static_cast<long long>(heard->age.count()), heard->line.c_str());
    return kExitNotReady;
  }
  std::printf("%s\n", heard->line.c_str());
  return heard->line.starts_with(kReady) ? kExitStopped : kExitNotReady;
}

}  // namespace redis_zk::daemon
