// What is logged, as "<logger>| <message>" lines, instead of written to standard error.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include "base/log.h"

namespace redis_zk::testing {

class CapturedLog {
 public:
  explicit CapturedLog(std::string_view level = "info") {
    auto logger = std::make_shared<spdlog::logger>("", sink_);
    logger->set_pattern("%n| %v");
    spdlog::set_default_logger(std::move(logger));
    SetLogLevel(level);
  }
  ~CapturedLog() { spdlog::set_default_logger(before_); }
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;

  // Not while somebody logs.
  std::string text() const { return text_.str(); }

 private:
  const std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
  std::ostringstream text_;
  const std::shared_ptr<spdlog::sinks::ostream_sink_mt> sink_ =
      std::make_shared<spdlog::sinks::ostream_sink_mt>(text_);
};

// Our standard error, for as long as this lives: a pipe that is full and that nobody reads.
class StuckStandardError {
 public:
  StuckStandardError() : before_(dup(STDERR_FILENO)) {
    std::array<int, 2> ends{};
    if (before_ < 0 || pipe2(ends.data(), O_CLOEXEC) != 0) std::abort();
    read_end_ = ends[0];
    const std::array<char, 4096> page{};
    for (int left = fcntl(ends[1], F_GETPIPE_SZ); left > 0; left -= static_cast<int>(page.size())) {
      if (write(ends[1], page.data(), page.size()) < 0) std::abort();
    }
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
  }
  ~StuckStandardError() {
    dup2(before_, STDERR_FILENO);
    close(before_);
    close(read_end_);
  }
  StuckStandardError(const StuckStandardError&) = delete;
  StuckStandardError& operator=(const StuckStandardError&) = delete;

  // What has been written to it, without what it was filled with.
  std::string Read() const {
    std::string text;
    std::array<char, 4096> bytes{};
    for (pollfd waiting{read_end_, POLLIN, 0}; poll(&waiting, 1, 0) > 0;) {
      const ssize_t length = read(read_end_, bytes.data(), bytes.size());
      if (length <= 0) break;
      text.append(bytes.data(), static_cast<std::size_t>(length));
    }
    std::erase(text, '\0');
    return text;
  }

 private:
  const int before_;
  int read_end_ = -1;
};

class LogTest : public ::testing::Test {
 protected:
  std::string Logged() const { return log_.text(); }

 private:
  const CapturedLog log_;
};

}  // namespace redis_zk::testing
