#include "daemon/health.h"

#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>

#include "base/exit_code.h"

namespace redis_zk::daemon {

namespace {

using FileClock = std::filesystem::file_time_type::clock;

constexpr std::string_view kReady = "ready: ";
constexpr std::string_view kNotReady = "not ready: ";
constexpr Duration kTouchInterval = 1s;
// Beyond the session timeout, up to which a lost answer of ZooKeeper can hold the loop.
constexpr Duration kLoopPatience = 15s;
// Docker keeps 2 for itself.
constexpr int kExitNotReady = 1;

// No two daemons can have the same port.
std::filesystem::path PathOf(const ServerOptions& options) {
  return std::filesystem::path(options.work_dir) / fmt::format("health-{}", options.port);
}

}  // namespace

HealthFile::HealthFile(const ServerOptions& options) : path_(PathOf(options)) {}

HealthFile::~HealthFile() {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

void HealthFile::Say(bool ready, std::string_view what) {
  std::string line = fmt::format("{}{}\n", ready ? kReady : kNotReady, what);
  if (line == said_) return;
  // Who reads it sees all or nothing.
  std::filesystem::path draft = path_;
  draft += ".new";
  std::ofstream file(draft, std::ios::trunc);
  file << line;
  file.close();
  std::error_code failed;
  if (file) std::filesystem::rename(draft, path_, failed);
  if (file && !failed) said_ = std::move(line);
}

void HealthFile::Touch(TimePoint now) {
  if (now < touch_at_) return;
  touch_at_ = now + kTouchInterval;
  std::error_code ignored;
  std::filesystem::last_write_time(path_, FileClock::now(), ignored);
}

void AddHealthCheck(Options& options) {
  options.AddCommand(std::string(kHealthCheck),
                     "prints how the wrapper is that was started with the same options; ends with 0 if it "
                     "is ready");
}

int CheckHealth(const CommonOptions& common, const ServerOptions& options) {
  const auto path = PathOf(options);
  std::string line;
  std::error_code failed;
  const auto touched = std::filesystem::last_write_time(path, failed);
  std::ifstream file(path);
  if (failed || !std::getline(file, line)) {
    std::printf("not ready: no wrapper runs here with WORK_DIR=%s and PORT0=%lld\n", options.work_dir.c_str(),
                static_cast<long long>(options.port));
    return kExitNotReady;
  }
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(FileClock::now() - touched);
  if (age > kLoopPatience + common.zk_session_timeout) {
    std::printf("not ready: the wrapper has stood still for %lld s; its last word: %s\n",
                static_cast<long long>(age.count()), line.c_str());
    return kExitNotReady;
  }
  std::printf("%s\n", line.c_str());
  return line.starts_with(kReady) ? kExitStopped : kExitNotReady;
}

}  // namespace redis_zk::daemon
