// One line per fact, on standard error. Any thread may log. spdlog stays behind this header: only
// base/log.cpp and base/spdlog.cpp include it, since it costs every file that does eight seconds of
// compilation. Nobody is held up for more than half a second by who does not read what is logged: the lines
// that find no room are dropped, and counted.
#pragma once

#include <fmt/core.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace spdlog {
class logger;
}  // namespace spdlog

namespace redis_zk {

namespace log {

enum class Severity { kDebug, kInfo, kWarn, kError };

bool IsLogged(Severity severity);
void Write(Severity severity, fmt::string_view format, fmt::format_args args);

template <class... Args>
void Say(Severity severity, fmt::format_string<Args...> format, Args&&... args) {
  Write(severity, format, fmt::make_format_args(args...));
}
template <class... Args>
void Debug(fmt::format_string<Args...> format, Args&&... args) {
  Write(Severity::kDebug, format, fmt::make_format_args(args...));
}
template <class... Args>
void Info(fmt::format_string<Args...> format, Args&&... args) {
  Write(Severity::kInfo, format, fmt::make_format_args(args...));
}
template <class... Args>
void Warn(fmt::format_string<Args...> format, Args&&... args) {
  Write(Severity::kWarn, format, fmt::make_format_args(args...));
}
template <class... Args>
void Error(fmt::format_string<Args...> format, Args&&... args) {
  Write(Severity::kError, format, fmt::make_format_args(args...));
}

}  // namespace log

enum class LogFormat { kText, kJson };

// Once, at the start of main. `level` is one that LOG_LEVEL takes.
void InitLog(std::string_view daemon, LogFormat format, std::string_view level);

// The least severe level that is logged. Any thread.
std::string_view LogLevel();
void SetLogLevel(std::string_view level);

// For the lines of `program`, which somebody else wrote: marked with its name, and logged at every LOG_LEVEL,
// since which lines it writes is for its own configuration to say.
class PassThrough {
 public:
  explicit PassThrough(std::string program);
  void Info(std::string_view line) const;
  void Warn(std::string_view line) const;

 private:
  std::shared_ptr<spdlog::logger> logger_;
};

struct LogLine {
  std::chrono::system_clock::time_point time;
  std::string_view level;
  std::string_view logger;
  std::string_view message;
  bool passed_through = false;  // in text it has its own time and level
};
// Without the end of the line. Whatever the message holds, it is one line of valid UTF-8.
std::string RenderLogLine(const LogLine& line, LogFormat format);

// For a line that a loop would repeat: logs `text`, but only when it differs from the last one.
class LogOnChange {
 public:
  enum class Level { kInfo, kWarn, kError };
  void operator()(const std::string& text, Level level = Level::kInfo);
  // What it was about is over: the same text is news again.
  void Reset() { last_.clear(); }

 private:
  std::string last_;
};

}  // namespace redis_zk
