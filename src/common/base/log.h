// One line per fact, on standard error: a sentence, then fields. Any thread may log. spdlog stays behind this
// header: only base/log.cpp and base/spdlog.cpp include it, since it costs every file that does eight seconds
// of compilation. No caller waits for more than half a second for a reader that does not read: the
// lines that find no room are dropped, and counted.
#pragma once

#include <fmt/core.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spdlog {
class logger;
}  // namespace spdlog

namespace redis_zk {

namespace log {

enum class Severity { kDebug, kInfo, kWarn, kError };

// What a line is about, beside its sentence: fields in text, keys in JSON, always in this order.
struct About {
  std::string_view event;    // a stable code in kebab-case; docs/reference/log-events.md lists them all
  std::string_view group{};  // empty: the process's own; see SetLogContext
  std::string peer{};        // the other server, "host:port"
  std::optional<std::uint64_t> epoch{};
  std::vector<std::pair<std::string_view, std::string>> more{};  // what this event has in addition
};

bool IsLogged(Severity severity);
void Write(Severity severity, const About& about, fmt::string_view format, fmt::format_args args);

template <class... Args>
void Say(Severity severity, const About& about, fmt::format_string<Args...> format, Args&&... args) {
  Write(severity, about, format, fmt::make_format_args(args...));
}
template <class... Args>
void Debug(const About& about, fmt::format_string<Args...> format, Args&&... args) {
  Write(Severity::kDebug, about, format, fmt::make_format_args(args...));
}
template <class... Args>
void Info(const About& about, fmt::format_string<Args...> format, Args&&... args) {
  Write(Severity::kInfo, about, format, fmt::make_format_args(args...));
}
template <class... Args>
void Warn(const About& about, fmt::format_string<Args...> format, Args&&... args) {
  Write(Severity::kWarn, about, format, fmt::make_format_args(args...));
}
template <class... Args>
void Error(const About& about, fmt::format_string<Args...> format, Args&&... args) {
  Write(Severity::kError, about, format, fmt::make_format_args(args...));
}

// A warning or an error as it was logged: its event and its sentence, without the other fields.
struct Problem {
  std::int64_t time = 0;  // milliseconds since 1970
  std::string event;
  std::string sentence;
};
// The last ones of this process; nothing: there was none. Any thread.
struct LastProblems {
  std::optional<Problem> warning;
  std::optional<Problem> error;
};
LastProblems FindLastProblems();
// How many there were: whether it is worth a look. Any thread, and cheap.
std::uint64_t CountProblems();

}  // namespace log

enum class LogFormat { kText, kJson };

// Once, at the start of main. `level` is one that LOG_LEVEL takes.
void InitLog(std::string_view daemon, LogFormat format, std::string_view level);

// The group and the address ("host:port") that this process serves: fields of every line from now on. Empty:
// the line has no such field. Once, before a second thread logs.
void SetLogContext(std::string group, std::string node);

// The least severe level that is logged. Any thread.
std::string_view LogLevel();
void SetLogLevel(std::string_view level);

// For the lines of `program`, which another process wrote: marked with its name, and logged at every
// LOG_LEVEL, since which lines it writes is for its own configuration to say.
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
  std::vector<std::pair<std::string_view, std::string>> fields{};
};
// Without the end of the line. Whatever the message holds, it is one line of valid UTF-8.
std::string RenderLogLine(const LogLine& line, LogFormat format);

// For a line that a loop would repeat: logs it only when its sentence or a field differs from the last one.
class LogOnChange {
 public:
  void operator()(log::Severity severity, const log::About& about, const std::string& sentence);
  // What it was about is over: the same line is news again.
  void Reset() { last_.clear(); }

 private:
  std::string last_;
};

}  // namespace redis_zk
