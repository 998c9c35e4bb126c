// What a server writes to its standard output and error, passed on to our log: line by line, marked with its
// name.
//
// The server is never held up by that, whatever the reader of our log does and even while we are frozen: its
// end of the pipe does not block, and what finds the pipe full (1 MiB) is dropped.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "base/log.h"
#include "base/result.h"
#include "base/time.h"

namespace redis_zk::os {

// Cuts bytes into lines. Empty ones are left out, one of more than kLongestLine bytes comes in pieces.
class LineCutter {
 public:
  static constexpr std::size_t kLongestLine = 2048;
  using Take = std::function<void(std::string_view line)>;

  void Add(std::string_view bytes, const Take& take);
  // What has come is a line, although its end has not.
  void End(const Take& take);

 private:
  std::string line_;
};

// Made and destroyed by the loop thread; the reading is done by a thread of its own.
class Output {
 public:
  using Edit = std::function<std::string(std::string_view line)>;

  // With `most_lines`, what comes after these is counted only. With `edit`, what it returns is logged.
  // kInternal: no pipe is to be had.
  static Result<std::unique_ptr<Output>> Open(const std::string& program,
                                              std::optional<std::size_t> most_lines = std::nullopt,
                                              Edit edit = nullptr);
  // Logs what has been written until now, and no more, and waits for a reader of our log that long only.
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  // The server's end, until CloseWriteEnd.
  int write_end() const { return write_end_; }
  void CloseWriteEnd();

 private:
  Output(const std::string& program, std::optional<std::size_t> most_lines, Edit edit, int read_end,
         int write_end, int end_event);

  void PassOn();
  // Waits for output, or until the end is asked for.
  void AwaitOutput();
  // Whether our standard error takes a line: waits for that, from the end on for kLastWords only.
  bool AwaitRoom();
  void Await(int fd, short events);

  const PassThrough log_;
  const std::optional<std::size_t> most_lines_;
  const Edit edit_;
  const int read_end_;
  int write_end_;
  const int end_event_;
  std::optional<TimePoint> deadline_;  // once the end was asked for; the thread's own
  std::thread thread_;
};

}  // namespace redis_zk::os
