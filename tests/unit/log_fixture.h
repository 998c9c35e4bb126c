// What is logged, as "<logger>| <message>" lines, instead of written to standard error.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

namespace redis_zk::testing {

class CapturedLog {
 public:
  explicit CapturedLog(std::string_view level = "info");
  ~CapturedLog();
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;

  // Not while somebody logs.
  std::string text() const;

 private:
  struct Capture;
  const std::unique_ptr<Capture> capture_;
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
