// Real children: /bin/sh, and a pipe with a name through which they and their own children are heard.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "os/child.h"
#include "support/servers.h"
#include "support/wait.h"
#include "unit/signals_fixture.h"

namespace redis_zk::testing {

// Whoever holds the pipe open for writing is alive: the reader sees the end when the last of them is gone.
class NamedPipe {
 public:
  NamedPipe() : path_(dir_.path() / "pipe") {
    if (mkfifo(path_.c_str(), 0600) != 0) std::abort();
    // Opened for writing as well, so that opening does not wait for a writer.
    fd_ = open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    own_writer_ = open(path_.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd_ < 0 || own_writer_ < 0) std::abort();
  }
  ~NamedPipe() {
    close(fd_);
    if (own_writer_ >= 0) close(own_writer_);
  }
  NamedPipe(const NamedPipe&) = delete;
  NamedPipe& operator=(const NamedPipe&) = delete;

  const std::string& path() const { return path_; }

  // The next line that somebody writes; what has come so far when no line comes in time or nobody is left.
  std::string ReadLine() {
    while (buffer_.find('\n') == std::string::npos && ReadMore()) {
    }
    const auto end = buffer_.find('\n');
    const std::string line = buffer_.substr(0, end);
    buffer_.erase(0, end == std::string::npos ? end : end + 1);
    return line;
  }

  // Whether everybody who held the pipe open ends in time. REQUIRES: somebody has written a line.
  bool EveryWriterIsGone() {
    close(std::exchange(own_writer_, -1));
    while (ReadMore()) {
    }
    return ended_;
  }

 private:
  // False: the end, or nothing came in time.
  bool ReadMore() {
    pollfd waiting{fd_, POLLIN, 0};
    if (poll(&waiting, 1, static_cast<int>(kPatience.count())) <= 0) return false;
    std::array<char, 4096> chunk{};
    const ssize_t length = read(fd_, chunk.data(), chunk.size());
    ended_ = length == 0;
    if (length > 0) buffer_.append(chunk.data(), static_cast<std::size_t>(length));
    return length > 0;
  }

  TempDir dir_;
  const std::string path_;
  int fd_ = -1;
  int own_writer_ = -1;
  std::string buffer_;
  bool ended_ = false;
};

class ShellTest : public SignalsTest {
 protected:
  // /bin/sh with a script; "$1" is the pipe's path.
  Result<os::Child> Start(const std::string& script) { return StartProgram({"/bin/sh", "-c", script}); }
  Result<os::Child> StartProgram(std::vector<std::string> argv) {
    if (argv.size() > 1) argv.insert(argv.end(), {"sh", pipe_.path()});
    return os::Child::Start({std::move(argv), "/", signals().original_mask()});
  }

  // The exit code of a Child or a Supervisor; waits until there is one. SIGCHLD ends the wait at once; a
  // thread that an earlier test left behind may swallow it, hence the short turns.
  template <class Ending>
  std::optional<int> Await(Ending& ending) const {
    const TimePoint deadline = Clock::now() + kPatience;
    while (Clock::now() < deadline) {
      if (const auto code = ending.Reap()) return code;
      pollfd waiting{signals().fd(), POLLIN, 0};
      poll(&waiting, 1, 5);
      while (signals().Next()) {
      }
    }
    return std::nullopt;
  }

  NamedPipe pipe_;
};

}  // namespace redis_zk::testing
