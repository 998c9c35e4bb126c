#include "os/child_output.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <system_error>
#include <utility>

namespace redis_zk::os {

namespace {

constexpr int kPipeBytes = 1 << 20;
// How long the reader of our log can delay our end.
constexpr Duration kLastWords = 500ms;

template <std::size_t n>
void Poll(std::array<pollfd, n>& fds, int timeout_ms) {
  while (poll(fds.data(), fds.size(), timeout_ms) < 0 && errno == EINTR) continue;
}

}  // namespace

void LineCutter::Add(std::string_view bytes, const Take& take) {
  while (!bytes.empty()) {
    const auto part = bytes.substr(0, std::min(bytes.find('\n'), kLongestLine - line_.size()));
    line_ += part;
    bytes.remove_prefix(part.size());
    const bool ended = bytes.starts_with('\n');
    if (ended) bytes.remove_prefix(1);
    if (ended || line_.size() == kLongestLine) End(take);
  }
}

void LineCutter::End(const Take& take) {
  if (line_.ends_with('\r')) line_.pop_back();
  if (!line_.empty()) take(line_);
  line_.clear();
}

Result<std::unique_ptr<Output>> Output::Open(const std::string& program,
                                             std::optional<std::size_t> most_lines, Edit edit) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0)
    return Fail(ErrorKind::kInternal, fmt::format("pipe: {}", std::strerror(errno)));
  // More than a user's share is refused; then it stays at 64 KiB.
  fcntl(ends[1], F_SETPIPE_SZ, kPipeBytes);
  const int end_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (end_event < 0) {
    const int failure = errno;
    for (const int end : ends) close(end);
    return Fail(ErrorKind::kInternal, fmt::format("eventfd: {}", std::strerror(failure)));
  }
  std::unique_ptr<Output> output(
      new Output(program, most_lines, std::move(edit), ends[0], ends[1], end_event));
  // Not in the constructor: its failure would leave the descriptors open.
  try {
    output->thread_ = std::thread(&Output::PassOn, output.get());
  } catch (const std::system_error& error) {
    return Fail(ErrorKind::kInternal, fmt::format("no thread can be made for the output: {}", error.what()));
  }
  return output;
}

Output::Output(const std::string& program, std::optional<std::size_t> most_lines, Edit edit, int read_end,
               int write_end, int end_event)
    : log_(program),
      most_lines_(most_lines),
      edit_(std::move(edit)),
      read_end_(read_end),
      write_end_(write_end),
      end_event_(end_event) {}

Output::~Output() {
  CloseWriteEnd();
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(end_event_, &one, sizeof one);
  if (thread_.joinable()) thread_.join();
  close(read_end_);
  close(end_event_);
}

void Output::CloseWriteEnd() {
  if (write_end_ >= 0) close(std::exchange(write_end_, -1));
}

void Output::PassOn() {
  std::size_t number = 0;
  const auto log = [this, &number](std::string_view line) {
    if (most_lines_ && ++number > *most_lines_) return;
    const std::string edited = edit_ ? edit_(line) : std::string(line);
    if (AwaitRoom()) log_.Info(edited);
  };
  LineCutter lines;
  std::array<char, std::size_t{16} * 1024> bytes{};
  // A process that outlives the server may hold the pipe open, and write to it, for ever.
  while (!deadline_ || Clock::now() < *deadline_) {
    const ssize_t length = read(read_end_, bytes.data(), bytes.size());
    if (length > 0) {
      lines.Add({bytes.data(), static_cast<std::size_t>(length)}, log);
    } else if (length == 0 || deadline_) {
      break;
    } else {
      AwaitOutput();
    }
  }
  lines.End(log);
  if (most_lines_ && number > *most_lines_ && AwaitRoom())
    log_.Warn(fmt::format("{} more lines were left out", number - *most_lines_));
}

void Output::AwaitOutput() { Await(read_end_, POLLIN); }

bool Output::AwaitRoom() {
  if (!deadline_) Await(STDERR_FILENO, POLLOUT);
  if (!deadline_) return true;
  std::array<pollfd, 1> fds{{{STDERR_FILENO, POLLOUT, 0}}};
  Poll(fds, static_cast<int>(Remaining(*deadline_, Clock::now()).count()));
  return fds[0].revents != 0;
}

void Output::Await(int fd, short events) {
  std::array<pollfd, 2> fds{{{fd, events, 0}, {end_event_, POLLIN, 0}}};
  Poll(fds, -1);
  if (fds[1].revents != 0) deadline_ = Clock::now() + kLastWords;
}

}  // namespace redis_zk::os
